/** What a long check has left to do, in a file: written beside and moved into place, so that a kill leaves a whole one. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { err, type InputError, ok, type Result } from '../base/result.ts';
import type { SavedCheck } from '../check/index.ts';
import { readError, writeError } from './file-errors.ts';

/** `seconds`: of the check so far. */
export interface Checkpoint {
  readonly schema: 1;
  readonly kind: 'checkpoint';
  readonly test: string;
  readonly memory: string;
  /** Of the test file: what was explored says nothing of another version. */
  readonly fingerprint: string;
  readonly seconds: number;
  readonly saved: SavedCheck;
}

/** A hash of a file's bytes, or, for a built-in test, of all that may be in it; '' for what cannot be read. */
export function fingerprintOf(path: string | null): string {
  if (path === null) return fingerprintOfProgram();
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return '';
  }
}

/** Of this program's own modules. */
function fingerprintOfProgram(): string {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  const names = readdirSync(folder, { recursive: true }).map(String);
  const hash = createHash('sha256');
  for (const name of names.filter((one) => /\.[jt]s$/.test(one)).sort()) hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}

export function writeCheckpoint(path: string, checkpoint: Checkpoint): InputError | null {
  const beside = `${path}.new`;
  try {
    writeFileSync(beside, `${JSON.stringify(checkpoint)}\n`);
    renameSync(beside, path);
    return null;
  } catch (error) {
    return writeError(error, path);
  }
}

/** Nothing is left to do: a checkpoint would only mislead. */
export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true });
}

export function readCheckpoint(path: string): Result<Checkpoint> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return err(error instanceof SyntaxError ? notOne(path) : readError(error, path));
  }
  return isCheckpoint(value) ? ok(value) : err(notOne(path));
}

function notOne(place: string): InputError {
  const message = 'this is not a checkpoint of tablewalk';
  return { code: 'not-a-checkpoint', place, message, hint: 'name the file that --checkpoint wrote' };
}

/** Its outer shape; whether what was saved fits the test shows when it is gone on with. */
function isCheckpoint(value: unknown): value is Checkpoint {
  if (typeof value !== 'object' || value === null) return false;
  const { schema, kind, test, memory, fingerprint, seconds, saved } = value as Partial<
    Record<keyof Checkpoint, unknown>
  >;
  if (schema !== 1 || kind !== 'checkpoint') return false;
  if (
    typeof test !== 'string' ||
    typeof memory !== 'string' ||
    typeof fingerprint !== 'string' ||
    typeof seconds !== 'number'
  )
    return false;
  if (typeof saved !== 'object' || saved === null || !('exploration' in saved) || !('unreached' in saved)) return false;
  const { exploration, unreached } = saved as { exploration: unknown; unreached: unknown };
  if (typeof exploration !== 'object' || exploration === null || !('points' in exploration)) return false;
  const { points, executions, blocked } = exploration as { points: unknown; executions?: unknown; blocked?: unknown };
  if (!isCount(executions) || !isCount(blocked) || !isCount((saved as { steps?: unknown }).steps)) return false;
  return Array.isArray(points) && points.length > 0 && Array.isArray(unreached);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
