/**
 * A device that works on an address space of the CPU through an IOMMU (`ExternalWalker`): it has a TLB of its own (ATS), asks for pages that are not
 * there (PRI), and after so many requests in vain for one access it gives up: a failure state, until it is reset.
 */
import { Cell } from '../../base/cell.ts';
import { ATOMIC, type Flow, until } from '../../base/flow.ts';
import { UNBUFFERED } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import { Places } from './places.ts';
import { type ExternalAccess, type ExternalEntry, type ExternalWalker, frameOf, type WalkFault } from './walker.ts';

/** PRG response codes (PCIe 10.4.2.2). */
export type PageResponse = 'SUCCESS' | 'INVALID' | 'FAILURE';

export interface ExternalDeviceOptions {
  readonly spaces: number;
  readonly pages: readonly number[];
  /** Whether it has a TLB. Default: it has. */
  readonly ats?: boolean;
  /** Whether ATS is switched, or the device reset, while it works. Default: neither, and nobody looks. */
  readonly changes?: boolean;
  /** Page requests for one access after which it gives up. Default: 0, it does not ask, and a fault ends the access. */
  readonly tries?: number;
}

/** What became of an access: done, refused by the table, answered INVALID or FAILURE, or given up. */
export type AccessResult = 'done' | WalkFault | 'INVALID' | 'FAILURE' | 'gave up';

export class ExternalDevice {
  readonly name: string;
  /** The page request that has no answer yet: one at a time. */
  readonly request: Cell<ExternalAccess | null>;
  readonly response: Cell<PageResponse | null>;
  /** It asks no more, and does nothing. */
  readonly failed: Cell<boolean>;
  /** ATS is enabled: translations are asked for and kept. */
  readonly ats_enabled: Cell<boolean>;
  /** It does nothing, and hears of no invalidation; what its TLB has outlasts that. */
  readonly inReset: Cell<boolean>;
  private readonly world: World;
  private readonly walker: ExternalWalker;
  private readonly tries: number;
  private readonly changes: boolean;
  /** By space. */
  private readonly atc: readonly Places<ExternalEntry>[] | null;

  constructor(world: World, name: string, walker: ExternalWalker, options: ExternalDeviceOptions) {
    const { ats = true, changes = false, pages, spaces, tries = 0 } = options;
    this.world = world;
    this.name = name;
    this.walker = walker;
    this.tries = tries;
    this.changes = changes;
    this.request = new Cell<ExternalAccess | null>(world, `${name}'s page request`, null, UNBUFFERED);
    this.response = new Cell<PageResponse | null>(world, `${name}'s page response`, null, UNBUFFERED);
    this.failed = new Cell<boolean>(world, `${name} has failed`, false, UNBUFFERED);
    this.ats_enabled = new Cell<boolean>(world, `${name}'s ATS enable`, ats, UNBUFFERED);
    this.inReset = new Cell<boolean>(world, `${name} is in reset`, false, UNBUFFERED);
    this.atc = ats
      ? Array.from(
          { length: spaces },
          (_, space) =>
            new Places<ExternalEntry>(world, `${name} TLB${spaces === 1 ? '' : ` of space ${space}`} page`, 0, pages),
        )
      : null;
  }

  /** Whether it has a TLB. */
  get ats(): boolean {
    return this.atc !== null;
  }

  /** `perform`: the access to memory, by frame, in the step that translates it. */
  *access(access: ExternalAccess, perform: (pfn: number) => void): Flow<AccessResult> {
    for (let asked = 0; ; asked++) {
      const result = yield* this.once(access, perform);
      if (result === 'done' || this.tries === 0) return result;
      if (asked === this.tries) {
        yield;
        this.failed.store(true);
        return 'gave up';
      }
      const response = yield* this.ask(access);
      if (response !== 'SUCCESS') return response;
    }
  }

  private *once(access: ExternalAccess, perform: (pfn: number) => void): Flow<'done' | WalkFault> {
    let places = this.atc?.[access.space];
    if (places !== undefined) {
      yield ATOMIC;
      if (this.changes && this.inReset.load()) return 'not present';
      if (this.changes && !this.ats_enabled.load()) places = undefined;
    }
    const known = places?.look(access.page).entry ?? null;
    if (known !== null && (!access.write || known.writable)) {
      perform(known.pfn);
      return 'done';
    }
    let result: 'done' | WalkFault = 'done';
    yield* this.walker.translate(access, (found) => {
      if (typeof found === 'string') {
        result = found;
        return;
      }
      const pfn = frameOf(found, access.page);
      places?.fill(access.page, { pfn, writable: found.writable, level: 0 }, places.look(access.page).drops);
      perform(pfn);
    });
    return result;
  }

  /** Asks for the page, and waits for the answer. */
  private *ask(access: ExternalAccess): Flow<PageResponse> {
    yield;
    this.request.store(access);
    yield until(this.world, `${this.name} has an answer`, () => this.response.peek() !== null);
    yield ATOMIC;
    const response = this.response.load()!;
    this.response.store(null);
    return response;
  }

  /** Answers its request. Context: a step of the worker. */
  *respond(response: PageResponse): Flow<void> {
    yield ATOMIC;
    this.request.store(null);
    this.response.store(response);
  }

  /** A device-TLB invalidation is executed, and answered; false: there is no answer. Context: an atomic step. */
  invalidate(space: number, page: number, end: number): boolean {
    if (this.changes && this.inReset.load()) return false;
    this.atc?.[space]?.drop(page, end);
    return true;
  }

  /** Sets or clears the enable bit: a device that is enabled begins with an empty TLB (PCIe 10.5.1). Context: an atomic step. */
  enableAts(enabled: boolean): void {
    this.ats_enabled.store(enabled);
    for (const places of this.atc ?? []) places.drop(0, Number.POSITIVE_INFINITY);
  }
}
