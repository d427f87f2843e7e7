import { it } from 'vitest';
import { Cell, Check, cpuRelax, type Flow, type World } from './index.ts';
function* givesWay(w: World | null, me: Cell<number>, other: Cell<number>): Flow<void> {
  for (;;) {
    yield; me.store(1);
    yield; if (other.load() === 0) break;
    yield; me.store(0);
    if (w) yield cpuRelax(w);
  }
  yield; me.store(0);
}
it('x', () => {
  for (const relax of [false, true]) for (const maxSteps of [20, 30, 40, 60, 300]) for (const strategy of ['dpor','minimal','random'] as const) for (const cache of strategy==='minimal'?[false,true]:[false]) {
    const c = new Check({ name: 't', expect: 'holds', maxSteps, program: (w) => { const a = new Cell(w,'a',0), b = new Cell(w,'b',0); return { threads: { left: givesWay(relax?w:null,a,b), right: givesWay(relax?w:null,b,a) } }; } }, { strategy, cache, minimise: 0 });
    const t0 = performance.now(); while (c.advance(100) && performance.now() - t0 < 4000);
    const r = c.result();
    console.log(relax, maxSteps, strategy, cache, r.verdict, r.executions, r.message.slice(0,150), (performance.now()-t0).toFixed(0));
  }
});
