import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { readMarks, wholeLines } from './marks.js';
import { findPrefix, Model, type StoredPoint } from './model.js';
import { makeSteps, type Step } from './steps.js';

const STEPS = makeSteps(new Random(1), {
  ...{ count: 300, dimensions: 2, idsMax: 20, waitShare: 0.5, fillerChars: 10 },
  ...{ configurations: [], first: 0 },
});

/** What a store shows after some steps. */
function contentsAfter(steps: readonly Step[]) {
  const model = new Model();
  for (const step of steps) model.apply(step);
  const points = [...model.ids()].map((id): StoredPoint => {
    const [, vector, entries] = JSON.parse(model.text(id) ?? '');
    return { id, vector, payload: Object.fromEntries(entries) };
  });
  return { points, payloadIndexes: model.payloadIndexes.sort() };
}

describe('the model of what a crash may leave', () => {
  it('finds the prefix of the steps that a store shows', () => {
    for (let length = 0; length <= STEPS.length; length += 7) {
      const found = findPrefix(new Model(), STEPS, contentsAfter(STEPS.slice(0, length)));
      expect(found.length).toBeGreaterThanOrEqual(length);
      // Steps that change nothing can't be told from steps that are missing.
      expect(contentsAfter(STEPS.slice(0, found.length))).toEqual(
        contentsAfter(STEPS.slice(0, length)),
      );
    }
  });

  it('finds no prefix when an upsert from the middle is missing', () => {
    const gap = STEPS.findIndex((step, place) => place > 280 && step.kind === 'upsert');
    const contents = contentsAfter(STEPS.filter((_, place) => place !== gap));
    const { length, difference } = findPrefix(new Model(), STEPS, contents);
    expect(length).toBeUndefined();
    expect(difference).toMatch(/closest is prefix \d+ with \d+ points that differ.*: point/);
  });

  it('finds no prefix when a payload index of the end is missing, or one too many is there', () => {
    const steps: Step[] = [
      { kind: 'createPayloadIndex', path: 'a', wait: true },
      ...STEPS.slice(0, 20),
      { kind: 'createPayloadIndex', path: 'b', wait: true },
    ];
    const { points } = contentsAfter(steps);
    const lengthWith = (payloadIndexes: string[]) =>
      findPrefix(new Model(), steps, { points, payloadIndexes }).length;
    expect(lengthWith(['b', 'a'])).toBe(steps.length);
    expect(lengthWith(['a'])).toBe(steps.length - 1);
    expect(lengthWith(['b'])).toBeUndefined();
    expect(lengthWith(['a', 'b', 'c'])).toBeUndefined();
  });

  it('finds no prefix when a point comes twice', () => {
    const { points } = contentsAfter(STEPS);
    const twice = { points: [...points, ...points.slice(0, 1)] };
    const { difference } = findPrefix(new Model(), STEPS, twice);
    expect(difference).toBe('the store returned a point twice');
  });

  it('changes nothing by a step that names a missing point', () => {
    const model = new Model();
    const point = { id: 1, vector: [1], payload: { step: 0 } };
    model.apply({ kind: 'upsert', points: [point], wait: true });
    const before = model.text(1);
    expect(model.apply({ kind: 'clearPayload', selector: [1, 2], wait: true })).toEqual([]);
    expect(model.text(1)).toBe(before);
  });
});

describe('the report of a process', () => {
  const step = (wait: boolean): Step => ({ kind: 'clearPayload', selector: [1], wait });

  it('promises every step up to the last answered one', () => {
    const lines = [
      '{"opened":true}',
      '{"issued":0}',
      '{"issued":1}',
      '{"issued":2}',
      '{"acknowledged":1,"opNum":8}',
      '{"acknowledged":0,"opNum":7}',
    ];
    const report = readMarks(lines, [step(true), step(false), step(false)]);
    expect(report).toMatchObject({ opened: true, closed: false, issued: 3 });
    expect(report).toMatchObject({ answered: 2, answeredWaiting: 1, failures: [] });
    expect([...report.opNums]).toEqual([
      [1, 8],
      [0, 7],
    ]);
  });

  it('promises nothing by the answer to a step that is not logged', () => {
    const lines = ['{"acknowledged":0}', '{"acknowledged":1}'];
    const report = readMarks(lines, [step(true), { kind: 'flush', wait: true }]);
    expect(report).toMatchObject({ answered: 1, answeredWaiting: 1 });
  });

  it('counts a declined step as answered, and any other error as a failure', () => {
    const declined = '{"failed":0,"code":"SLUICE_POINT_NOT_FOUND","message":"1"}';
    const broken = '{"failed":1,"code":"SLUICE_IO","message":"no"}';
    const report = readMarks([declined, broken], [step(true), step(true)]);
    expect(report).toMatchObject({ answered: 2, answeredWaiting: 0 });
    expect(report.failures).toEqual(['step 1 failed with SLUICE_IO: no']);
  });

  it('leaves out a line that was being written', () => {
    expect(wholeLines('{"issued":0}\n{"iss')).toEqual(['{"issued":0}']);
  });
});
