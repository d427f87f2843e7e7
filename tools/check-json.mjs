/** Runs the built `tablewalk check … --json` for tools that keep what it finds. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Its document, or null where there is none; and its exit code. */
export async function checkJson(root, args) {
  const command = [join(root, 'dist', 'cli', 'main.js'), 'check', '--json', ...args];
  const child = spawn(process.execPath, command, { stdio: ['inherit', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => {
    text += more;
  });
  const code = await new Promise((done) => child.on('close', done));
  return { code, document: text === '' ? null : JSON.parse(text) };
}
