/** What lanes show of a counterexample, whole and in brief. */
import { describe, expect, it } from 'vitest';
import { briefRows } from './brief.ts';
import type { Counterexample, ExplainedAccess, ExplainedStep } from './explain.ts';
import { renderLanes } from './lanes.ts';

const LANES = ['left', 'right', 'idle'];

function read(object: string, value = '0'): ExplainedAccess {
  return { object, kind: 'read', before: value, after: value, note: null };
}

function write(object: string, after = '1', before = '0'): ExplainedAccess {
  return { object, kind: 'write', before, after, note: null };
}

function step(lane: number, ...accesses: readonly ExplainedAccess[]): ExplainedStep {
  const source = { file: '/kernel/mm.ts', line: 7, function: `f${accesses[0]?.object ?? ''}`, builtIn: true };
  return { lane, operation: null, chose: null, accesses, preempts: false, source };
}

/** Nothing besides a word of the lane's own. */
function own(lane: number, name = `own${lane}`): ExplainedStep {
  return step(lane, read(name));
}

function example(
  steps: readonly ExplainedStep[],
  violation: Counterexample['violation'] = 'assertion',
): Counterexample {
  return {
    ...{ schema: 1, kind: 'counterexample', test: 'test', design: null, memory: 'sc', violation },
    ...{ property: 'assertion', message: 'broken', lanes: LANES, steps, schedule: '', repeats: false },
  };
}

/** Rows as text: steps by number, folds by how many. */
function rows(steps: readonly ExplainedStep[], violation?: Counterexample['violation']): readonly string[] {
  return briefRows(example(steps, violation)).map((row) =>
    row.kind === 'step' ? `${row.at + 1}` : `${row.steps.length} of ${LANES[steps[row.steps[0]!]!.lane]}`,
  );
}

const END = [own(1, 'end'), own(1, 'end'), own(1, 'end'), own(1, 'end')];

describe('a brief counterexample', () => {
  it('keeps what a lane does at a word that another one touches too, one of the two writing', () => {
    const steps = [own(0), own(0), step(0, write('x')), own(0), own(0), own(1), own(1), step(1, read('x')), ...END];
    expect(rows(steps)).toEqual(['2 of left', '3', '2 of left', '2 of right', '8', '9', '10', '11', '12']);
  });

  it('folds what both only read, and of the accesses of a word those that have none of another lane next to them', () => {
    const steps = [step(0, read('x')), own(0), step(0, write('y')), step(0, write('y')), step(1, read('x')), own(1)];
    const meeting = [step(1, write('y')), ...END];
    expect(rows([...steps, ...meeting])).toEqual(['3 of left', '4', '2 of right', '7', '8', '9', '10', '11']);
  });

  it('keeps writes of what the violating lane reads in the end, but for a word written again and again', () => {
    const flag = [step(1, write('flag')), step(1, write('flag')), step(1, write('flag'))];
    const steps = [step(1, write('msr')), ...flag, ...flag, step(1, read('msr'), read('flag')), ...END];
    expect(rows(steps)).toEqual(['1', '7 of right', '9', '10', '11', '12']);
  });

  it('keeps choices and preemptions', () => {
    const choice = { ...step(0), chose: [1] };
    const preempting = { ...own(1), preempts: true };
    expect(rows([own(0), own(0), choice, own(0), own(0), preempting, own(1), own(1), ...END])).toEqual([
      '2 of left',
      '3',
      '2 of left',
      '6',
      '2 of right',
      '9',
      '10',
      '11',
      '12',
    ]);
  });

  it('keeps the taking of a lock that another lane has had meanwhile, and in a deadlock of one that is kept', () => {
    const lock = (lane: number, operation: string): ExplainedStep => ({ ...step(lane, write('lock')), operation });
    const left = [own(0), lock(0, 'lock.acquire')];
    const steps = [own(1), own(1), ...left, own(0), lock(0, 'lock.release'), lock(1, 'lock.acquire')];
    expect(rows([...steps, lock(1, 'lock.release'), ...END])).toEqual(['2 of right', '7', '8', '9', '10', '11', '12']);
    expect(rows([...left, own(0), own(0), ...END])).toEqual(['5', '6', '7', '8']);
    expect(rows([...left, own(0), own(0), ...END], 'deadlock')).toEqual(['1', '2', '2 of left', '5', '6', '7', '8']);
  });

  it('has no column for a lane that has nothing to show, and says where a fold begins and ends', () => {
    const steps = [
      own(2),
      own(0, 'A'),
      own(0),
      own(0, 'B'),
      step(0, read('z'), write('x')),
      step(1, read('x')),
      ...END,
    ];
    expect(renderLanes(example(steps), { brief: true }).split('\n')).toEqual([
      '     left            right',
      '     --------------  --------------',
      '     … 3 steps: fA … fB',
      '  5  x: 0 -> 1                       fz',
      '  6                  x is 0          fx',
      ...['  7', '  8', '  9', ' 10'].map((number) => `${number}                  end is 0        fend`),
      '',
    ]);
  });
});

describe('lanes', () => {
  it('show all steps and all threads', () => {
    const text = renderLanes(example([own(0), own(1)]));
    expect(text.split('\n')).toEqual([
      '    left            right           idle',
      '    --------------  --------------  --------------',
      ' 1  own0 is 0                                       fown0',
      ' 2                  own1 is 0                       fown1',
      '',
    ]);
  });

  it('say a value that is read and written in the same step once, and a lock by its operation alone', () => {
    const text = renderLanes(
      example([step(0, read('x'), write('x')), { ...step(1, write('a b.l')), operation: 'a b.l.acquire' }]),
    );
    expect(text).toMatch(/^ 1 {2}x: 0 -> 1 {2,}fx$/m);
    expect(text).toMatch(/^ 2 {2,}a b\.l\.acquire {2,}fa b\.l$/m);
  });

  it('say once what several words are, and nothing of an empty place that stays empty', () => {
    const stays = { object: 'z', kind: 'write', before: 'empty', after: 'empty', note: null } as const;
    const text = renderLanes(
      example([
        step(0, read('x', 'empty'), read('y', 'empty'), read('w', '1')),
        step(1, write('x'), stays),
        step(0, stays, { ...stays, object: 'y' }),
        step(1, stays),
      ]),
    );
    expect(text).toMatch(/^ 1 {2}x, y are empty; w is 1 /m);
    expect(text).toMatch(/^ 2 {2,}x: 0 -> 1 {2,}fx$/m);
    expect(text).toMatch(/^ 3 {2}\(nothing changes\) /m);
    // Alone it is what the step does.
    expect(text).toMatch(/^ 4 {2,}z: empty -> empty {2,}fz$/m);
  });

  it('let a text go on over the columns to its right, where there is no room for all', () => {
    const long = 'a value of so many words that it needs more room';
    const text = renderLanes(example([step(0, read('x', long)), step(1, read('x', long))]), { width: 70 });
    expect(text).toContain(`  x is ${long}`);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(70);
  });

  it('show the place in a file of the user, and the function of a built-in model', () => {
    const user = { ...own(1), source: { file: '/home/me/test.ts', line: 12, function: 'body', builtIn: false } };
    expect(renderLanes(example([own(0), user]))).toMatch(/fown0\n.* test\.ts:12$/m);
  });
});
