/** PASID lifetime x PASID MSR: every pair, in every scenario. Verdicts are the checker's, and stored (stored.ts). */
import { PASID_LIFETIME, PASID_MSR } from '../../designs/index.ts';
import { type MatrixEntry, type Scenario, testOf } from './scenario.ts';
import { borrowed } from './scenarios/borrowed.ts';
import { clone } from './scenarios/clone.ts';
import { twoDevices } from './scenarios/devices.ts';
import { exec } from './scenarios/exec.ts';
import { afterExit, exhaustion } from './scenarios/exhaustion.ts';
import { exit } from './scenarios/exit.ts';
import { fork } from './scenarios/fork.ts';
import { fpuRegion } from './scenarios/fpu-region.ts';
import { kthreadUsesMm } from './scenarios/kernel-enqcmd.ts';
import { once } from './scenarios/once.ts';
import { passedFile } from './scenarios/passed-file.ts';
import { pool } from './scenarios/pool.ts';
import { reopen } from './scenarios/reopen.ts';
import { siblings } from './scenarios/siblings.ts';
import { softirq } from './scenarios/softirq.ts';
import { SWITCHING } from './scenarios/switching.ts';

export const SCENARIOS: readonly Scenario[] = [
  exit,
  reopen,
  pool,
  siblings,
  once,
  fork,
  clone,
  exec,
  passedFile,
  borrowed,
  twoDevices,
  fpuRegion,
  softirq,
  ...SWITCHING,
  kthreadUsesMm,
  exhaustion,
  afterExit,
];

export const PRODUCT: readonly MatrixEntry[] = SCENARIOS.flatMap((scenario) =>
  PASID_LIFETIME.flatMap((lifetime) =>
    PASID_MSR.map((msr) =>
      testOf(scenario, 'pasid-lifetime x pasid-msr', `${lifetime.name} x ${msr.name}`, 'holds', [msr, lifetime]),
    ),
  ),
);
