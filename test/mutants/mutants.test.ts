// The mutants are what their names say, and those who judge them tell them apart.

import { sluiceMachines } from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import { Court } from './judge.js';
import { mutantsOf } from './mutations.js';
import { reportOf } from './report.js';

describe('mutants', () => {
  it('have a name each, and leave the original as it was', () => {
    for (const made of Object.values(sluiceMachines)) {
      const { machine } = made;
      const before = JSON.stringify(machine.config);
      const names = mutantsOf(machine).map(({ name }) => name);
      expect(names.length).toBeGreaterThan(50);
      expect(new Set(names).size).toBe(names.length);
      expect(JSON.stringify(machine.config)).toBe(before);
    }
  });

  const courts = new Map<string, Court>();
  const judge = (name: string) => {
    const machine = name.slice(0, name.indexOf(':'));
    const court = courts.get(machine) ?? new Court(machine);
    courts.set(machine, court);
    return court.judge(name);
  };
  // A graph for each.
  const timeout = 60_000;

  it.each([
    ['optimizationTask: root on Stop: without the action abortPhase', 'aborts the phase'],
    [
      'optimizationTask: catchingUp catchUp done[0]: dropped',
      'called otherwise|never taken|rollback has to',
    ],
    ['flushWorker: committing commit failed: without the action roundFailed', 'said to have'],
    ['flushWorker: sleeping on Flush: dropped', 'reached|Flush leads to a round'],
    ['updateWorker: root on Plunger: without the action answerPlunger', 'in its place'],
  ])('such as %s: found by both juries', { timeout }, async (name, rule) => {
    const { isEquivalent, regression, invariants } = await judge(name);
    expect(isEquivalent).toBe(false);
    expect(regression).not.toBe(undefined);
    expect(invariants).toMatch(new RegExp(rule));
  });

  it('that change nothing are found to be equivalent', { timeout }, async () => {
    const verdict = await judge('updateWorker: idle on Stop: closeAdmission before markStopping');
    expect(verdict).toMatchObject({ isEquivalent: true, regression: undefined });
  });
});

describe('the report', () => {
  const killed = { isEquivalent: false, regression: 'seen', invariants: 'seen' };
  const verdicts = Array.from({ length: 9 }, (_, at) => ({ ...killed, name: `m: ${at}` }));
  const survivor = { ...killed, name: 'm: it lives', invariants: undefined };
  const equal = {
    name: 'm: equal',
    isEquivalent: true,
    regression: undefined,
    invariants: undefined,
  };
  const all = [...verdicts, survivor, equal];

  it('counts what was killed, and ends with the result', () => {
    const { lines, hasFailed } = reportOf(all, { 'm: it lives': 'it may' }, true);
    expect(hasFailed).toBe(false);
    const result = 'mutants: 10, killed by regression 100.0 %, killed by invariants 90.0 %';
    expect(lines.at(-1)).toBe(result);
  });

  it('fails for a survivor without a reason, for a stale reason, and for a low share', () => {
    expect(reportOf(all, {}, true).hasFailed).toBe(true);
    expect(reportOf(verdicts, { 'm: 1': 'it may' }, true).hasFailed).toBe(true);
    const reasons = { 'm: it lives': 'it may' };
    expect(reportOf(verdicts, reasons, true).hasFailed).toBe(true);
    expect(reportOf(verdicts, reasons, false).hasFailed).toBe(false);
    expect(reportOf([survivor, survivor, ...verdicts], reasons, true).hasFailed).toBe(true);
  });
});
