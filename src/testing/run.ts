import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { errorText, SluiceError } from '../errors.js';
import type { Driver } from './driver.js';
import type { Edge } from './graph.js';
import type { Move, Picture, Timer } from './model.js';
import { eventText, shortly } from './names.js';
import type { Path } from './path.js';
import { Stage } from './stage.js';

const VALUE_MAX = 400;

/**
 * Leads a real actor along a path: events are sent, children end by their gates, timers fire when the
 * path says so. After each step its state, projected context, children and timers must be the model's,
 * and every invariant must hold. `SLUICE_MISMATCH` says where not, and how the path went.
 */
export async function run(path: Path, driver: Driver = {}): Promise<void> {
  const { model } = path.graph;
  const stage = new Stage(path.graph, driver);
  try {
    await stage.start();
    const start = model.initial();
    let { state } = start;
    await compare(path, stage, driver, start, undefined);
    for (const [at, step] of path.steps.entries()) {
      if (!(await stage.take(step))) {
        const why =
          step.by === 'timer' ? 'no timer brings it' : `${step.event.actorId} is not running`;
        throw mismatch(path, at, [`the event can't come: ${why}`]);
      }
      // The model goes along: what the projection leaves out is told by it, and by no other state.
      const move = model.next(state, step);
      state = move.state;
      await compare(path, stage, driver, move, at);
      if (state.key !== step.to) {
        const graphs = JSON.parse(step.to) as Picture;
        const why =
          model.options.project === undefined
            ? 'the machine goes different ways from one state, by chance or by what it keeps aside:'
            : '`project` makes one state of several that go different ways:';
        throw mismatch(path, at, [why, ...differences(graphs, model.pictureOf(state))]);
      }
    }
  } finally {
    stage.stop();
    await driver.finish?.();
  }
}

async function compare(
  path: Path,
  stage: Stage,
  { invariants = {}, compareActions = false }: Driver,
  { state, executed: expected }: Move,
  at: number | undefined,
): Promise<void> {
  const timers = stage.timers();
  const problems = differences(path.graph.model.pictureOf(state), stage.picture());
  if (problems.length === 0 && state.snapshot.status === 'active') {
    problems.push(...timerDifferences(state.timers, timers));
  }
  const { snapshot, actor, told, executed } = stage;
  problems.push(...unexpectedEnds(state.snapshot, snapshot));
  if (compareActions) problems.push(...differing('actions', expected, executed));
  if (problems.length > 0) throw mismatch(path, at, problems);
  const step = at === undefined ? undefined : path.steps[at];
  const view = { snapshot, actor, told, executed, timers };
  for (const [name, holds] of Object.entries(invariants)) {
    try {
      if ((await holds({ ...view, path, step })) !== false) continue;
    } catch (cause) {
      throw mismatch(path, at, [`invariant "${name}": ${errorText(cause)}`], cause);
    }
    throw mismatch(path, at, [`invariant "${name}" doesn't hold`]);
  }
}

/** What a difference comes from, where it can be told: a throw, or a child that no gate holds. */
function unexpectedEnds(expected: AnyMachineSnapshot, actual: AnyMachineSnapshot): string[] {
  if (actual.status === 'error' && expected.status !== 'error') {
    return [`the actor died: ${errorText(actual.error)}`];
  }
  return Object.entries(actual.children as Record<string, AnyActorRef>)
    .filter(([, child]) => typeof child?.src !== 'string')
    .map(
      ([id]) => `${id} is spawned from logic without a name, and can't be held: name it in setup`,
    );
}

/** One line for each part in which two pictures differ, down to the field of the context. */
function differences(expected: Picture, actual: Picture): string[] {
  return Object.entries(expected).flatMap(([part, value]) =>
    differing(part, value, actual[part as keyof Picture]),
  );
}

function differing(place: string, expected: unknown, actual: unknown): string[] {
  if (JSON.stringify(expected) === JSON.stringify(actual)) return [];
  if (isRecord(expected) && isRecord(actual)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
    return keys.flatMap((key) => differing(`${place}.${key}`, expected[key], actual[key]));
  }
  return [`${place}: expected ${shortly(expected, VALUE_MAX)}, is ${shortly(actual, VALUE_MAX)}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function timerDifferences(expected: readonly Timer[], actual: readonly Timer[]): string[] {
  const lines = (timers: readonly Timer[]) =>
    timers.map(({ event, delayMs }) => `${eventText(event)} (${delayMs} ms)`).sort();
  return differing('timers', lines(expected), lines(actual));
}

function mismatch(
  path: Path,
  at: number | undefined,
  problems: readonly string[],
  cause?: unknown,
) {
  const where =
    at === undefined
      ? 'at the start'
      : `in step ${at + 1} of ${path.steps.length}, ${eventText((path.steps[at] as Edge).event)}`;
  const lines = problems.map((problem) => `  ${problem}`);
  return new SluiceError('SLUICE_MISMATCH', [`${where}:`, ...lines, `  path: ${path}`].join('\n'), {
    cause,
  });
}
