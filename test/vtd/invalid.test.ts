/** Entries that are well-formed and mean nothing to the unit, and requests that an entry does not let through. */
import { describe, it } from 'vitest';
import { READ } from '../../src/hw/vtd/caches.ts';
import { TRANSLATED, TRANSLATION_REQUEST } from '../../src/hw/vtd/walk.ts';
import { Machine, type MachineOptions, request, UNCACHED } from './support/machine.ts';
import { faults, isBlocked, translates } from './support/recorded.ts';
import { Shape } from './support/shape.ts';
import { legacyWay, PRESENT, scalableWay, type Way, type WayOptions } from './support/tables.ts';

const shape = new Shape('invalid entries');

interface Case {
  readonly machine: Machine;
  way: Way;
}

function legacy(way: Partial<WayOptions> = {}, options: MachineOptions = {}): Case {
  const machine = new Machine({ choices: UNCACHED, ...options });
  const made = legacyWay(machine, way);
  machine.start(made.root, made.mode);
  return { machine, way: made };
}

function scalable(way: Partial<WayOptions> = {}, options: MachineOptions = {}): Case {
  const machine = new Machine({ choices: UNCACHED, ...options });
  const made = scalableWay(machine, way);
  machine.start(made.root, made.mode);
  return { machine, way: made };
}

/** Replaces the field at bits [low, low + width) of an entry on the way. */
function set({ machine, way }: Case, structure: string, low: number, width: number, value: number): void {
  const { address } = way.steps.find((step) => step.structure === structure)!;
  const word = address + BigInt(8 * Math.floor(low / 64));
  const shift = BigInt(low % 64);
  const mask = ((1n << BigInt(width)) - 1n) << shift;
  machine.put(word, (machine.word(word) & ~mask) | (BigInt(value) << shift));
}

function ask({ machine, way }: Case, code: number, what: string, more: Parameters<typeof request>[0] = {}): void {
  const asked = request({ sourceId: way.sourceId, pasid: way.pasid, page: way.page, access: READ, ...more });
  if (code === 0) translates(shape, machine, asked, way.pfn, () => what);
  else faults(shape, machine, asked, code, () => what);
}

describe('a context entry of legacy mode', () => {
  it('has a type and a width that the unit has', () => {
    for (let tt = 0; tt < 4; tt++) {
      for (const [DT, PT] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const made = legacy({}, { ecap: { DT, PT } });
        set(made, 'context', 2, 2, tt);
        const isValid = tt === 0 || (tt === 1 && DT === 1) || (tt === 2 && PT === 1);
        if (tt === 2 && isValid) made.way = { ...made.way, pfn: made.way.page };
        ask(made, isValid ? 0 : 0x03, `TT ${tt}, DT ${DT}, PT ${PT}`);
      }
    }
    for (let sagaw = 0; sagaw < 32; sagaw++) {
      for (let aw = 0; aw < 8; aw++) {
        const made = legacy({ secondLevels: aw >= 1 && aw <= 3 ? aw + 2 : 4 }, { cap: { SAGAW: sagaw } });
        set(made, 'context', 64, 3, aw);
        const isValid = aw >= 1 && aw <= 3 && ((sagaw >> aw) & 1) === 1;
        ask(made, isValid ? 0 : 0x03, `AW ${aw}, SAGAW ${sagaw}`);
      }
    }
  });

  it('bounds addresses, and lets translation requests and translated ones through by its type', () => {
    for (const secondLevels of [3, 4]) {
      const made = legacy({ secondLevels });
      for (const page of [512 ** secondLevels, 2 ** 52 - 1]) ask(made, 0x04, 'beyond the width', { page });
    }
    for (const addressType of [TRANSLATION_REQUEST, TRANSLATED]) {
      const made = legacy();
      ask(made, 0x0d, 'TT 0', { addressType });
      set(made, 'context', 2, 2, 2);
      ask(made, 0x0d, 'pass-through', { addressType });
      set(made, 'context', 1, 1, 1);
      const { sourceId, page } = made.way;
      isBlocked(shape, made.machine, request({ sourceId, page, addressType }), 0x0d, () => 'FPD');
      const other = legacy();
      set(other, 'context', 2, 2, 1);
      const pfn = addressType === TRANSLATED ? other.way.page : other.way.pfn;
      ask({ ...other, way: { ...other.way, pfn } }, 0, 'TT 1', { addressType });
    }
  });

  it('is for requests without PASID', () => {
    const made = legacy();
    ask(made, 0x31, 'with PASID', { pasid: 5 });
    set(made, 'context', 1, 1, 1);
    ask(made, 0x31, 'with PASID, FPD', { pasid: 5 });
  });
});

describe('a context entry of scalable mode', () => {
  it('bounds PASIDs by PDTS', () => {
    for (let pdts = 0; pdts < 8; pdts++) {
      const limit = 2 ** (pdts + 13);
      for (const pasid of [0, 1, limit - 1, limit, 2 * limit - 1, 0xfffff]) {
        if (pasid > 0xfffff) continue;
        const made = scalable({ pasid });
        set(made, 'context', 9, 3, pdts);
        ask(made, pasid < limit ? 0 : 0x46, `PASID ${pasid}, PDTS ${pdts}`);
      }
      const without = scalable({ pasid: -1 });
      set(without, 'context', 9, 3, pdts);
      ask(without, 0x54321 < limit ? 0 : 0x48, `RID_PASID, PDTS ${pdts}`);
    }
  });

  it('lets PASIDs and translation requests through where it says so', () => {
    const made = scalable();
    set(made, 'context', 3, 1, 0);
    ask(made, 0x45, 'PASIDE 0');
    ask({ ...made, way: scalable({ pasid: -1 }).way }, 0x45, 'PASIDE 0', { pasid: 1 });
    const without = scalable({ pasid: -1 });
    set(without, 'context', 3, 1, 0);
    ask(without, 0, 'PASIDE 0, no PASID');
    for (const addressType of [TRANSLATION_REQUEST, TRANSLATED]) {
      const blocked = scalable();
      ask(
        { ...blocked, way: { ...blocked.way, pfn: addressType === TRANSLATED ? blocked.way.page : blocked.way.pfn } },
        0,
        'DTE',
        {
          addressType,
        },
      );
      set(blocked, 'context', 2, 1, 0);
      ask(blocked, 0x44, 'DTE 0', { addressType });
    }
  });
});

describe('a PASID table entry', () => {
  const has = (NEST: number, FSTS: number, SSTS: number, PT: number) => ({ ecap: { NEST, FSTS, SSTS, PT } });

  it('has a type that the unit has', () => {
    for (let features = 0; features < 16; features++) {
      const [nest, first, second, through] = [1, 2, 4, 8].map((bit) => (features & bit) / bit) as [
        number,
        number,
        number,
        number,
      ];
      for (let pgtt = 0; pgtt < 8; pgtt++) {
        const kind = (['second', 'first', 'second', 'nested', 'pass-through'] as const)[pgtt] ?? 'second';
        const made = scalable({ kind }, has(nest, first, second, through));
        set(made, 'pasid', 6, 3, pgtt);
        const isValid = [0, first, second, nest & first & second, through, 0, 0, 0][pgtt] === 1;
        ask(made, isValid ? 0 : 0x5b, `PGTT ${pgtt}, ${features}`);
      }
    }
  });

  it('has a width and a paging mode that the unit has', () => {
    for (const kind of ['second', 'nested'] as const) {
      for (let sagaw = 0; sagaw < 32; sagaw += 2) {
        for (let aw = 0; aw < 8; aw++) {
          const made = scalable({ kind, secondLevels: aw >= 1 && aw <= 3 ? aw + 2 : 4 }, { cap: { SAGAW: sagaw } });
          set(made, 'pasid', 2, 3, aw);
          const isValid = aw >= 1 && aw <= 3 && ((sagaw >> aw) & 1) === 1;
          ask(made, isValid ? 0 : 0x5b, `${kind}, AW ${aw}, SAGAW ${sagaw}`);
        }
      }
    }
    for (const kind of ['first', 'nested'] as const) {
      for (const FS5LP of [0, 1]) {
        for (let fspm = 0; fspm < 4; fspm++) {
          const made = scalable({ kind, firstLevels: fspm === 1 ? 5 : 4 }, { cap: { FS5LP } });
          set(made, 'pasid', 130, 2, fspm);
          ask(made, fspm === 0 || (fspm === 1 && FS5LP === 1) ? 0 : 0x5b, `${kind}, FSPM ${fspm}, FS5LP ${FS5LP}`);
        }
      }
    }
  });

  it('does not look at the width or the mode of a stage that it does not use', () => {
    const first = scalable({ kind: 'first' });
    set(first, 'pasid', 2, 3, 7);
    ask(first, 0, 'AW 7 of a first stage');
    const second = scalable({ kind: 'second' });
    set(second, 'pasid', 130, 2, 3);
    ask(second, 0, 'FSPM 3 of a second stage');
  });

  it('bounds addresses', () => {
    for (const firstLevels of [4, 5]) {
      for (const kind of ['first', 'nested'] as const) {
        const made = scalable({ kind, firstLevels });
        const half = 512 ** firstLevels / 2;
        for (const page of [half, 2 ** 52 - half - 1]) ask(made, 0x80, 'not canonical', { page });
        ask(made, 0x71, 'the upper half', { page: 2 ** 52 - 1 });
      }
    }
    for (const secondLevels of [3, 4]) {
      ask(scalable({ secondLevels }), 0x84, 'beyond the width', { page: 512 ** secondLevels });
    }
    for (let level = 0; level < 4; level++) {
      const made = scalable({ kind: 'nested', secondLevels: 3 });
      const entry = made.way.steps.find((step) => step.structure === 'first' && step.level === level)!;
      made.machine.put(entry.address, (1n << 40n) | PRESENT);
      ask(made, 0x74, `nested, level ${level} holds an address beyond the second stage`);
    }
    const nested = scalable({ kind: 'nested', secondLevels: 3 });
    set(nested, 'pasid', 168, 1, 1);
    ask(nested, 0x74, 'nested, first-stage table beyond the second stage');
    ask(scalable({ kind: 'pass-through' }), 0x83, 'beyond the hardware', { page: 2 ** 34 });
  });
});

describe('large pages', () => {
  it('are reserved bits in a unit that has them not', () => {
    for (const leaf of [1, 2]) {
      for (const sslps of [0, 1, 2, 3]) {
        const isValid = ((sslps >> (leaf - 1)) & 1) === 1;
        const options = { cap: { SSLPS: sslps } };
        ask(legacy({ secondLeaf: leaf }, options), isValid ? 0 : 0x0c, `legacy, SSLPS ${sslps}, level ${leaf}`);
        ask(scalable({ secondLeaf: leaf }, options), isValid ? 0 : 0x7a, `SSLPS ${sslps}, level ${leaf}`);
        ask(
          scalable({ kind: 'nested', secondLeaf: leaf }, options),
          isValid ? 0 : 0x7a,
          `nested, SSLPS ${sslps}, level ${leaf}`,
        );
      }
    }
    for (const kind of ['first', 'nested'] as const) {
      for (const FS1GP of [0, 1]) {
        ask(scalable({ kind, firstLeaf: 2 }, { cap: { FS1GP } }), FS1GP === 1 ? 0 : 0x72, `${kind}, FS1GP ${FS1GP}`);
      }
    }
  });
});

describe('the translation table mode', () => {
  it('that is reserved is a fault, and that which aborts leaves no trace, in a unit that has it', () => {
    for (const ABTS of [0, 1]) {
      for (const pasid of [-1, 3]) {
        const made = scalable({}, { ecap: { ABTS } });
        const asked = request({ sourceId: 0x123, pasid, page: 0x1234 });
        made.machine.start(made.way.root, 2);
        faults(shape, made.machine, asked, 0x30, () => 'TTM 2');
        made.machine.start(made.way.root, 3);
        if (ABTS === 1) isBlocked(shape, made.machine, asked, 0, () => 'TTM 3');
        else faults(shape, made.machine, asked, 0x30, () => 'TTM 3 without ABTS');
      }
    }
  });
});
