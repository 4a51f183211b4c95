// A program of somebody who tests a machine: it names every type of `sluice/testing`.
import { memoryWal, plainCodec, type Wal } from 'sluice';
import {
  type Capability,
  type Check,
  type ChildEnd,
  type ChildEnds,
  type Coverage,
  type CoverageOptions,
  type Crash,
  check,
  checksOf,
  coverageOf,
  type Destination,
  type Driver,
  describeFindings,
  type Edge,
  type EdgeTest,
  type Effort,
  type Exploration,
  explore,
  type Finding,
  type Graph,
  type Invariant,
  type LogAdapters,
  type Offer,
  type Operations,
  type Origin,
  type Path,
  type Place,
  type Progress,
  type Properties,
  type RandomWalksOptions,
  type Runner,
  randomWalks,
  run,
  type SegmentsAdapters,
  type SegmentsSuite,
  type Share,
  type SimplePathsOptions,
  type SnapshotTest,
  type StoreAdapters,
  type Suite,
  type SuiteOptions,
  type Supports,
  segmentsSuite,
  shortestPaths,
  simplePaths,
  suite,
  type TestFunction,
  transitionCoverage,
  type UpdateHandlerSuite,
  updateHandlerSuite,
  type View,
  type WalSuite,
  walSuite,
} from 'sluice/testing';
import { setup } from 'xstate';

type Press = { type: 'Press' } | { type: 'Unplug' };

const lamp = setup({
  types: { context: {} as { presses: number }, events: {} as Press },
  delays: { patience: 100 },
}).createMachine({
  id: 'lamp',
  context: { presses: 0 },
  initial: 'off',
  on: { Unplug: { target: '.gone' } },
  states: {
    off: { on: { Press: { target: 'on' } } },
    on: { after: { patience: { target: 'off' } } },
    gone: { type: 'final' },
  },
});

/** Explores, checks and runs a machine in each way, and returns the names of its tests. */
export async function testMachine(): Promise<string[]> {
  const ends: ChildEnds = { outputs: [] };
  const how: Exploration<typeof lamp> = {
    events: [{ type: 'Press' }, { type: 'Unplug' }],
    project: ({ presses }) => presses,
    children: { none: ends },
  };
  const graph: Graph = explore(lamp, how);
  const isOn: SnapshotTest = (snapshot) => snapshot.matches('on');
  const goesOff: EdgeTest = (edge: Edge) => edge.target.matches('off');
  const progress: Progress = { from: isOn, reaches: goesOff };
  const properties: Properties = { stop: 'Unplug', progress: { 'it goes off': progress } };
  const findings: Finding[] = check(graph, properties);
  const checks: Check[] = checksOf(properties);
  if (findings.length > 0 || checks.length === 0) throw new Error(describeFindings(findings));

  const coverage: CoverageOptions = { each: 'transitions' };
  const to: Destination = { to: isOn };
  const bounds: SimplePathsOptions = { ...to, lengthMax: 5 };
  const chance: RandomWalksOptions = { seed: 1, count: 2, length: 5 };
  const paths: Path[] = [
    ...transitionCoverage(graph, coverage),
    ...shortestPaths(graph, to),
    ...simplePaths(graph, bounds),
    ...randomWalks(graph, chance),
  ];
  const origins = new Set<Origin>();
  const staysUntold: Invariant = ({ told, step }: View) => {
    const offer: Offer | undefined = step;
    if (offer !== undefined) origins.add(offer.by);
    return told.length === 0;
  };
  const effects = { load: ({ output }: ChildEnd) => output };
  const driver: Driver = { invariants: { staysUntold }, effects };
  for (const path of paths) await run(path, driver);
  const covered: Coverage = coverageOf(graph, paths);
  const share: Share = covered.transitions;
  if (share.missing.length > 0 || origins.size !== 2) throw new Error('something is not covered');

  const names: string[] = [];
  const bodies: Promise<void>[] = [];
  const test: Suite<typeof lamp>['test'] = (name, body) => {
    names.push(name);
    bodies.push(body());
  };
  suite({ test, machine: lamp, ...how, properties });
  await Promise.all(bodies);
  return names;
}

type Note = { put: [key: string, value: string] } | { delete: string };

/** What somebody writes who tests a store: the names of its tests. */
export function testStore(
  segments: () => Pick<SegmentsAdapters<Note>, 'segments' | 'content'>,
): string[] {
  const names: string[] = [];
  const test: TestFunction = (name) => names.push(name);
  const runner: Runner = { test };
  const effort: Effort = { seed: 7, walks: 2 };
  const log = (wal: Wal): LogAdapters => ({ wal });
  const crashes: Crash[] = [];
  const factory = (): Place<StoreAdapters<Note>> => ({
    adapters: () => ({ ...log(memoryWal()), ...segments(), codec: plainCodec<Note>() }),
    crash: (how) => void crashes.push(how),
  });
  const needed: Capability = 'kill';
  const supports: Supports = { permanence: false, [needed]: true };
  const operations: Operations<Note> = {
    put: (key, value) => ({ put: [key, value] }),
    delete: (key) => ({ delete: key }),
  };
  const whole: UpdateHandlerSuite<Note> = { ...runner, ...effort, factory, supports, operations };
  const parts: SegmentsSuite<Note> = whole;
  const logs: WalSuite = { ...runner, factory, supports };
  const common: SuiteOptions<StoreAdapters<Note>> = whole;
  updateHandlerSuite(whole);
  segmentsSuite(parts);
  walSuite({ ...logs, seed: common.seed ?? 1 });
  return names;
}
