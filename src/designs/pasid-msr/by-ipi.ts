/** IA32_PASID written on the CPUs of an mm, by call: the register alone, whatever the state of the FPU. */
import type { Flow } from '../../base/index.ts';
import type { Kernel, Mm } from '../../kernel/index.ts';

/** On all of mm_cpumask, whoever runs there. */
export function* writeOnCpus(k: Kernel, mm: Mm, value: number): Flow<void> {
  const cpus = yield* k.mm_cpumask(mm);
  yield* k.on_each_cpu_mask(cpus, 'IA32_PASID', function* (rq) {
    yield;
    rq.cpu.wrmsrPasid(value);
  });
}

/** On those that run a thread of the mm. */
export function* writeWhereRuns(k: Kernel, mm: Mm, value: number): Flow<void> {
  const cpus = yield* k.mm_cpumask(mm);
  yield* k.on_each_cpu_mask(cpus, 'IA32_PASID', function* (rq) {
    yield;
    const tsk = rq.curr.load();
    yield;
    if (tsk === null || tsk.mm.load() !== mm) return;
    yield;
    rq.cpu.wrmsrPasid(value);
  });
}
