/**
 * The kernel as a table of functions with the kernel's names, and the state that they share. Functions call each other through the
 * table (`yield* this.mmput(mm)`), so that any of them can be replaced, left out, or preceded or followed by something by its
 * name: that is what a design is, and "tomorrow's patch" (docs/litmus.md).
 */
import { closestHint, type Flow, type Mutex, TestMistake, type World } from '../base/index.ts';
import type { BASE } from './functions.ts';
import type { Device, Rq, Task } from './objects.ts';
import type { PasidAllocator } from './sva/pasids.ts';

export type KernelFunctions = typeof BASE;

/** What all functions share. Made anew for each execution. */
export interface KernelState {
  readonly world: World;
  readonly rqs: readonly Rq[];
  readonly devices: readonly Device[];
  readonly pasids: PasidAllocator;
  /** The one mutex of drivers/iommu/iommu-sva.c. */
  readonly iommu_sva_lock: Mutex;
  /** The outer mutex of Intel's bind and unbind, to 5.17. */
  readonly pasid_mutex: Mutex;
  /** All tasks that there will be, in the order of the test. */
  readonly tasks: Task[];
  /** By thread of the checker: the task whose code it runs. */
  readonly byThread: (Task | undefined)[];
  /** What a design keeps: each its own. */
  readonly extra: Map<string, unknown>;
  /** CPUs that switch between tasks. */
  readonly switchingCpus: Set<number>;
}

export interface Kernel extends KernelState, KernelFunctions {}

type AnyFunction = (this: Kernel, ...args: never[]) => unknown;
type Named<T> = { readonly [K in keyof KernelFunctions]?: T };

/** A change of the kernel. All of it is by function name; `before` and `after` get the function's arguments. */
export interface Patch {
  /** Functions in place of the kernel's. */
  readonly replace?: Partial<KernelFunctions>;
  /** What is done first. */
  readonly before?: {
    readonly [K in keyof KernelFunctions]?: (this: Kernel, ...args: Parameters<KernelFunctions[K]>) => Flow<void>;
  };
  /** What is done when the function has returned. */
  readonly after?: {
    readonly [K in keyof KernelFunctions]?: (this: Kernel, ...args: Parameters<KernelFunctions[K]>) => Flow<void>;
  };
  /** Functions that do nothing (and return nothing: of a caller that uses a result, replace it). */
  readonly omit?: readonly (keyof KernelFunctions)[];
}

function* nothing(): Flow<undefined> {}

/** The table with patches applied, the first one innermost. @throws TestMistake for a name that the table, or a key that a patch does not have. */
export function patched(base: KernelFunctions, ...patches: readonly Patch[]): KernelFunctions {
  const table: Record<string, AnyFunction> = { ...(base as unknown as Record<string, AnyFunction>) };
  for (const patch of patches) applyPatch(table, patch);
  return table as unknown as KernelFunctions;
}

function applyPatch(table: Record<string, AnyFunction>, patch: Patch): void {
  checkKeys(patch);
  const { after, before, omit, replace } = patch;
  for (const [name, own] of entries(replace)) set(table, name, own);
  for (const name of omit ?? []) set(table, name, nothing as unknown as AnyFunction);
  for (const [name, own] of entries(before)) {
    const inner = known(table, name);
    set(table, name, function* (this: Kernel, ...args: never[]): Flow<unknown> {
      yield* own.apply(this, args) as Flow<void>;
      return yield* inner.apply(this, args) as Flow<unknown>;
    });
  }
  for (const [name, own] of entries(after)) {
    const inner = known(table, name);
    set(table, name, function* (this: Kernel, ...args: never[]): Flow<unknown> {
      const result = yield* inner.apply(this, args) as Flow<unknown>;
      yield* own.apply(this, args) as Flow<void>;
      return result;
    });
  }
}

function entries(functions: Named<unknown> | undefined): [string, AnyFunction][] {
  return Object.entries(functions ?? {}) as [string, AnyFunction][];
}

function set(table: Record<string, AnyFunction>, name: string, own: AnyFunction): void {
  known(table, name);
  table[name] = own;
}

function known(table: Record<string, AnyFunction>, name: string): AnyFunction {
  const found = table[name];
  if (found !== undefined) return found;
  const hint = closestHint(name, Object.keys(table), 'docs/litmus.md has their names');
  throw new TestMistake(`the kernel has no function '${name}': ${hint}`);
}

/** A key that a patch does not have is a change that would not be made. */
function checkKeys(patch: Patch): void {
  for (const key of Object.keys(patch)) {
    if (!KEYS.includes(key))
      throw new TestMistake(`a patch has no key '${key}': ${closestHint(key, KEYS, `it has ${KEYS.join(', ')}`)}`);
  }
  for (const part of [patch.replace, patch.before, patch.after]) {
    for (const [name, own] of entries(part)) {
      if (typeof own !== 'function') throw new TestMistake(`'${name}' in a patch is no function`);
    }
  }
}

const KEYS: readonly string[] = ['replace', 'before', 'after', 'omit'];
