/** PASID lifetime x PASID MSR: every pair, in every scenario. Verdicts are the checker's, and stored (stored.ts). */
import { type KernelDesign, PASID_LIFETIME, PASID_MSR } from '../../designs/index.ts';
import type { MatrixEntry, Scenario } from './scenario.ts';
import { borrowed } from './scenarios/borrowed.ts';
import { clone } from './scenarios/clone.ts';
import { twoDevices } from './scenarios/devices.ts';
import { exec } from './scenarios/exec.ts';
import { afterExit, exhaustion, narrowDevice } from './scenarios/exhaustion.ts';
import { exit } from './scenarios/exit.ts';
import { firstUse } from './scenarios/first-use.ts';
import { fork } from './scenarios/fork.ts';
import { forks } from './scenarios/forks.ts';
import { kernelFpu, signalFrame } from './scenarios/fpu-region.ts';
import { kthreadUsesMm } from './scenarios/kernel-enqcmd.ts';
import { lazyEnqcmd } from './scenarios/lazy.ts';
import { once } from './scenarios/once.ts';
import { ORDERS } from './scenarios/orders.ts';
import { passedFile } from './scenarios/passed-file.ts';
import { pool } from './scenarios/pool.ts';
import { reopen } from './scenarios/reopen.ts';
import { sentFile } from './scenarios/sent-file.ts';
import { siblings } from './scenarios/siblings.ts';
import { softirq } from './scenarios/softirq.ts';
import { SWITCHING } from './scenarios/switching.ts';
import { storedTest } from './stored.ts';

export const SCENARIOS: readonly Scenario[] = [
  exit,
  forks,
  reopen,
  pool,
  siblings,
  firstUse,
  once,
  fork,
  clone,
  exec,
  passedFile,
  sentFile,
  borrowed,
  twoDevices,
  kernelFpu,
  signalFrame,
  softirq,
  ...SWITCHING,
  kthreadUsesMm,
  lazyEnqcmd,
  ...ORDERS,
  exhaustion,
  narrowDevice,
  afterExit,
];

function pair(scenario: Scenario, lifetime: KernelDesign, msr: KernelDesign): MatrixEntry {
  return storedTest(scenario, 'pasid-lifetime x pasid-msr', `${lifetime.name} x ${msr.name}`, [msr, lifetime]);
}

export const PRODUCT: readonly MatrixEntry[] = SCENARIOS.flatMap((scenario) =>
  PASID_LIFETIME.flatMap((lifetime) => PASID_MSR.map((msr) => pair(scenario, lifetime, msr))),
);
