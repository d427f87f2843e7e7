/** One mode of the VT-d unit in a process of its own: prints millions a second of each turn. Arguments: hits or walks, mode, structures. */
import { ArenaMemory, type Choices, NO_PASID, READ, VtdUnit } from '../src/hw/index.ts';

const TURNS = 7;
const PAGES = 512;
const RID = 8;
/** IVT and global granularity, in the upper half of the IOTLB register. */
const INVALIDATE_ALL = 0x90000000 | 0;
const IOTLB_HIGH = 0xfc;

type Mode = 'legacy' | 'second stage' | 'first stage';

/** A unit with four levels of tables over 2 MiB. */
function unitOf(mode: Mode, choices: Choices): VtdUnit {
  const memory = new ArenaMemory({});
  const table = () => memory.allocFrame();
  const put = (frame: number, index: number, pointer: number, low: number) =>
    memory.store(frame, index, (pointer << 12) | low, pointer >>> 20);
  const [root, context, directory, pasids, top, third, second, leaf] = Array.from({ length: 8 }, table) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const rights = mode === 'first stage' ? 0x67 : 3;
  put(root, 0, context, 1);
  put(top, 0, third, rights);
  put(third, 0, second, rights);
  put(second, 0, leaf, rights);
  for (let page = 0; page < PAGES; page++) put(leaf, page, 0x10000 + page, rights);
  if (mode === 'legacy') {
    put(context, 2 * RID, top, 1);
    memory.store(context, 2 * RID + 1, (1 << 8) | 2, 0);
  } else {
    put(context, 4 * RID, directory, 1);
    put(directory, 0, pasids, 1);
    memory.store(pasids, 1, 1, 0);
    if (mode === 'second stage') put(pasids, 0, top, 1 | (2 << 2) | (2 << 6));
    else {
      memory.store(pasids, 0, 1 | (1 << 6), 0);
      put(pasids, 2, top, 0);
    }
  }
  const ecap = mode === 'legacy' ? 0xf42n : 0xc800_0000_0f42n;
  const unit = new VtdUnit({ cap: 0x1d2008c222f0606n, ecap, haw: 48, memory, ...choices });
  unit.write(0x20, 8, (BigInt(root) << 12n) | (mode === 'legacy' ? 0n : 0x400n));
  unit.write(0x18, 4, 0xc0000000n);
  return unit;
}

function hits(unit: VtdUnit, count: number): number {
  let translated = 0;
  for (let i = 0; i < count; i++) {
    if (unit.access(RID, NO_PASID, i & (PAGES - 1), READ) === 'translated') translated++;
  }
  return translated;
}

function walks(unit: VtdUnit, count: number): number {
  let translated = 0;
  for (let i = 0; i < count; i++) {
    unit.write32(IOTLB_HIGH, INVALIDATE_ALL);
    if (unit.access(RID, NO_PASID, i & (PAGES - 1), READ) === 'translated') translated++;
  }
  return translated;
}

const [what, mode, structures] = process.argv.slice(2) as [string, Mode, string];
const work = what === 'hits' ? hits : walks;
const count = what === 'hits' ? 4e6 : 1e6;
const unit = unitOf(mode, structures === 'none' ? { structures: 0 } : {});
const rates: number[] = [];
work(unit, count / 4);
for (let turn = 0; turn < TURNS; turn++) {
  const start = performance.now();
  if (work(unit, count) !== count) throw new Error('an access was not translated');
  rates.push(count / (performance.now() - start) / 1000);
}
process.stdout.write(JSON.stringify(rates));
