/**
 * What a CPU holds for a thread or for its address space, and how each piece gets there: the table of the mail of 3 Aug 2020
 * (threads/pasid-msr-loading), as data. Context switch code (kernel/sched) loads and saves what the table says, where it says.
 *
 * Component numbers: Intel SDM vol. 1, 13.1. What is left out: AVX-512 and the other components that are as FPU and XMM.
 */

/** Where a value is loaded into the register. */
export type LoadedAt =
  /** When the address space changes. */
  | 'switch_mm'
  /** When the thread changes. */
  | 'switch_to'
  /** When the kernel returns to user mode, from the thread's XSAVE area. */
  | 'return to user'
  /** When user code first needs it, by an exception. */
  | 'first use';

export interface CpuState {
  readonly name: string;
  readonly register: string;
  /** What it belongs to, by its nature. */
  readonly per: 'thread' | 'mm';
  readonly loadedAt: LoadedAt;
  /** XSAVE components; none: XSAVES and XRSTORS do not know it. */
  readonly components: readonly number[];
  /** What the kernel itself uses it for while it runs for the thread. */
  readonly kernelUse: string | null;
  /** The exception that says that it is not loaded, and what else raises the same. */
  readonly signal: { readonly exception: string; readonly sharedWith: string } | null;
  /** What is awkward about it, in the mail's argument. */
  readonly remark: string;
}

export const CPU_STATES: readonly CpuState[] = [
  {
    name: 'FPU, XMM',
    register: 'ST0-7, XMM0-15',
    per: 'thread',
    loadedAt: 'return to user',
    components: [0, 1],
    kernelUse: null,
    signal: null,
    remark: 'used explicitly only, so that XSAVE fits it',
  },
  {
    name: 'PKRU',
    register: 'PKRU',
    per: 'thread',
    loadedAt: 'switch_to',
    components: [9],
    kernelUse: "decides the kernel's own accesses to user memory",
    signal: null,
    remark: 'must be right in the kernel, and is an XSAVE component nevertheless',
  },
  {
    name: 'CR3',
    register: 'CR3',
    per: 'mm',
    loadedAt: 'switch_mm',
    components: [],
    kernelUse: 'every access to memory',
    signal: null,
    remark: 'tangled up with bits of CR4',
  },
  {
    name: 'LDTR',
    register: 'LDTR',
    per: 'mm',
    loadedAt: 'switch_mm',
    components: [],
    kernelUse: null,
    signal: null,
    remark: 'a register of its own; hardly used any more',
  },
  {
    name: 'PASID',
    register: 'IA32_PASID',
    per: 'mm',
    loadedAt: 'first use',
    components: [10],
    kernelUse: null,
    signal: {
      exception: '#GP',
      sharedWith: 'every other cause of a general protection fault, with no error code to tell',
    },
    remark: 'of the mm, and yet an MSR and an XSAVE component of the thread',
  },
  {
    name: 'TILE',
    register: 'TILECFG, TMM0-7',
    per: 'thread',
    loadedAt: 'first use',
    components: [17, 18],
    kernelUse: null,
    signal: { exception: '#NM', sharedWith: 'CR0.TS, told apart by IA32_XFD_ERR' },
    remark: 'large, so that it is worth being lazy about',
  },
  {
    name: 'KERNEL_GS_BASE',
    register: 'IA32_KERNEL_GS_BASE',
    per: 'thread',
    loadedAt: 'switch_to',
    components: [],
    kernelUse: 'SWAPGS at each entry',
    signal: null,
    remark: "the user thread's shadow GS base: an MSR, and no XSAVE component",
  },
  {
    name: 'segments',
    register: 'DS, ES, FS, GS',
    per: 'thread',
    loadedAt: 'switch_to',
    components: [],
    kernelUse: null,
    signal: null,
    remark: 'cannot be saved and loaded back exactly: null selectors 1 to 3 come back otherwise',
  },
];

/** What the mail asks hardware for, and which design of designs/pasid-msr shows it with the PASID. */
export const WISHES: readonly { readonly wish: string; readonly design: string }[] = [
  { wish: 'a clean way to load state of an mm', design: 'per-mm-register' },
  { wish: 'a clean way to load state of user mode (CPL 3)', design: 'cpl3-state' },
  { wish: 'a clean way to load kernel state of a user thread (PKRU, PKRS)', design: 'kernel-per-thread' },
  {
    wish: 'an exception that says: user code used a resource that is loaded lazily and is not loaded, and which',
    design: 'exact-exception',
  },
];

/** A state of the table. @throws RangeError for a name that it does not have. */
export function stateNamed(name: string): CpuState {
  const found = CPU_STATES.find((state) => state.name === name);
  if (found === undefined) throw new RangeError(`no CPU state '${name}': ${CPU_STATES.map((s) => s.name).join(', ')}`);
  return found;
}
