/**
 * Where a step stands in the program, read from a stack. A step of the built-in kernel, its designs or the hardware beside it stands in a
 * function with a name of its own; the place in our files would tell a reader nothing.
 */

export interface Source {
  readonly file: string;
  readonly line: number;
  /** Innermost function that has a name there; null: none has, as at the end of an arrow function. */
  readonly function: string | null;
  /** It is one of the built-in models: the function says where it is. */
  readonly builtIn: boolean;
}

interface Frame {
  readonly file: string;
  readonly line: number;
  readonly function: string | null;
  /** A method of a class: a piece of some model's inside. */
  readonly isMethod: boolean;
}

/**
 * The innermost frame of the program: outside of the checker and of what it stands on, and called by the execution, not its
 * caller. Where the checker was bundled, files do not tell what is whose, and nothing is said.
 */
export function findSource(stack: string | null): Source | null {
  let root: string | null = null;
  let innermost: Source | null = null;
  for (const frame of framesOf(stack)) {
    if (/[/\\]check[/\\]execution\.[jt]s$/.test(frame.file)) break;
    const isOurs = OURS.test(frame.file) || frame.file.startsWith('node:');
    // The stack was taken in a file of ours.
    root ??= isOurs ? rootOf(frame.file) : null;
    if (root === null) return null;
    if (isOurs) continue;
    const builtIn = frame.file.startsWith(root) && BUILT_IN.test(frame.file.slice(root.length));
    const { file, line } = frame;
    const source = { file, line, function: frame.function, builtIn };
    if (builtIn ? isKernelFunction(frame) : innermost === null) return source;
    // What the built-in models do for a function of theirs is that function's.
    innermost ??= source;
    if (!builtIn) break;
  }
  return innermost;
}

/** What lanes say of it. */
export function sourceText(source: Source | null): string {
  if (source === null) return '';
  if (source.builtIn && source.function !== null) return source.function;
  return `${source.file.split(/[/\\]/).at(-1) ?? source.file}:${source.line}`;
}

function isKernelFunction({ file, isMethod, function: name }: Frame): boolean {
  return name !== null && !isMethod && !/[/\\]observer\.[jt]s$/.test(file);
}

function* framesOf(stack: string | null): Generator<Frame> {
  for (const line of stack?.split('\n') ?? []) {
    const match =
      /^\s*at (?:async )?(.*) \((.+):(\d+):\d+\)$/.exec(line) ?? /^\s*at (?:async )?()(.+):(\d+):\d+$/.exec(line);
    if (match === null) continue;
    yield { file: match[2]!, line: Number(match[3]), ...calleeOf(match[1]!) };
  }
}

/** `mmput`, `Object.mmput`, `Kernel.mmput [as mmput_async]`: mmput. `Cpu.rdmsrPasid` is a method. */
function calleeOf(text: string): Pick<Frame, 'function' | 'isMethod'> {
  const callee = text.replace(/ \[as .*\]$/, '');
  const dot = callee.lastIndexOf('.');
  const name = callee.slice(dot + 1);
  const owner = callee.slice(0, Math.max(0, dot));
  return {
    function: /^[\w$]+$/.test(name) ? name : null,
    isMethod: !['', 'Object', 'Kernel', 'Generator'].includes(owner),
  };
}

/** The folder that the layers are in. */
function rootOf(file: string): string | null {
  return /^(.*[/\\])(?:check|base|hw[/\\]\w+)[/\\][\w-]+\.[jt]s$/.exec(file)?.[1] ?? null;
}

/**
 * Models whose functions have names that say more than a place in them: the kernel's, and those of instructions and devices. In `apart` stands the
 * copy of the kernel that is taken apart.
 */
const BUILT_IN = /^(?:apart[/\\])?(?:kernel|designs|hw[/\\](?:cpu|device|external))[/\\]/;

/** Files whose frames lie between a program's access and the tracer: shared objects, ours and those of the hardware models. */
const OURS =
  /[/\\](check[/\\]explain|base[/\\](world|words|cell|locks|queue|store-buffer|flow)|hw[/\\]\w+[/\\](recorded[\w-]*|places|tagged-cache|caches|tables|state|queue-state))\.[jt]s$/;
