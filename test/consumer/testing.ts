// A program of somebody who tests a machine: it names every type of `sluice/testing`.
import { memoryWal, plainCodec, type Wal } from 'sluice';
import {
  type Answered,
  type Asked,
  assertGood,
  type Begun,
  type CallEvent,
  type Calls,
  type Capability,
  type Check,
  type ChildEnd,
  type ChildEnds,
  type Content,
  type Coverage,
  type CoverageOptions,
  type Crash,
  chartTransitions,
  check,
  checksOf,
  coverageOf,
  type Destination,
  type Driver,
  type DriverSource,
  describeFindings,
  type Edge,
  type EdgeTest,
  type Effort,
  type Ended,
  type ExecutedAction,
  type Exploration,
  eventLine,
  explore,
  type Facts,
  type Failed,
  type FaultClass,
  type Finding,
  type GatedCall,
  type Graph,
  type HeldCall,
  type Holding,
  type HowOpened,
  type Invariant,
  Journal,
  type JournalEvent,
  type KeyValues,
  type LogAdapters,
  type MachineCase,
  type MachineId,
  type Noted,
  type Offer,
  type OpenedStore,
  type Opening,
  type Operations,
  type Origin,
  type Parts,
  type Path,
  type Place,
  PortGates,
  type Ports,
  type Progress,
  type Properties,
  partsOf,
  pathOf,
  plainExploration,
  type RandomWalksOptions,
  type RecordedPorts,
  type Reference,
  type Refused,
  type RequestKind,
  Rule,
  Rules,
  type Runner,
  randomWalks,
  recordPorts,
  run,
  type SegmentsAdapters,
  type SegmentsSuite,
  type Share,
  type SimplePathsOptions,
  type SimulateOptions,
  type SimulationResult,
  type Site,
  type SnapshotTest,
  type Step,
  StepClock,
  type StoreAdapters,
  type StoreOptions,
  type Suite,
  type SuiteOptions,
  type Supports,
  type SystemStore,
  segmentsSuite,
  shortestPaths,
  simplePaths,
  simulate,
  sluiceMachines,
  startOf,
  stepsOf,
  suite,
  type TestFunction,
  type TestsSource,
  type Timer,
  transitionCoverage,
  type UpdateHandlerSuite,
  updateHandlerSuite,
  type View,
  type Violation,
  type WalkOptions,
  type WalkReport,
  type WalSuite,
  type Watched,
  type WrittenCause,
  type WrittenEvent,
  type WrittenState,
  type WrittenStep,
  walk,
  walSuite,
  writeDriver,
  writeTests,
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

/** Writes down what a store's core asks of its adapters, holds it, and fails it. */
export async function recordStore(inner: Ports<string>): Promise<Site[]> {
  const journal = new Journal();
  const gates = new PortGates();
  const recorded: RecordedPorts<string> = recordPorts(inner, { journal, gates });
  const begun: Site[] = [];
  journal.listen((event: JournalEvent) => {
    if (event.type === 'begun') begun.push(event.site);
  });
  const decide = ({ site }: GatedCall): Holding => (site === 'wal.append' ? 'hold' : 'pass');
  gates.decide = decide;
  const opening = recorded.ports.wal.open();
  gates.waiting.forEach((held: HeldCall) => {
    const how: Opening = { error: new Error('no luck'), worked: false };
    held.open(how);
  });
  await opening;
  const lines: string[] = journal.events.map(eventLine);
  if (lines.length !== journal.length) throw new Error('events were forgotten');
  recorded.drop();
  return begun;
}

/** A rule of one's own: time never stands at the same place for two operations. */
export class PaceRule extends Rule {
  readonly name = 'at most one operation is underway';
  override look(system: Watched, facts: Facts): void {
    this.demand(facts.underway.size <= 1, () => `at ${system.clock.now()}`);
  }
}

/** Walks a store as a whole, and looks at what came of it. */
export async function walkStore(store: SystemStore<string>): Promise<readonly Violation[]> {
  const known: ReadonlySet<string> = new Set(chartTransitions().slice(1));
  const options: WalkOptions = { seed: 1, steps: 10, stray: () => [], known };
  const report: WalkReport = await walk(store, options);
  assertGood(report);
  const again: readonly Step[] = report.steps;
  const ways: HowOpened[] = again.flatMap((step) => (step.step === 'open' ? [step.how] : []));
  const opened: OpenedStore<string> = await store.attach();
  const settings: StoreOptions<string, never> = {};
  const content: Content = new Map(opened.content());
  const rules = new Rules<string>(store, 1);
  const names = chartTransitions();
  const clock = new StepClock();
  const isEmpty = ways.length + content.size + names.length + clock.pending === 0;
  if (isEmpty && settings.codec === undefined) throw new Error('nothing has happened');
  return rules.violations;
}

/** The kinds of events, each by its name. */
export type EventTypes = [
  Begun<'wal.append'>['given'] & Calls['wal.append']['given'],
  Ended<'wal.append'>['got'],
  Failed<'wal.append'>['error'],
  CallEvent['call'],
  Asked['kind'] & RequestKind,
  Answered['result'],
  Refused['error'],
  Noted['what'],
];

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
  const deeds: ExecutedAction[] = [];
  const delays: Timer[] = [];
  const staysUntold: Invariant = ({ told, step, executed, timers }: View) => {
    deeds.push(...executed);
    delays.push(...timers);
    const offer: Offer | undefined = step;
    if (offer !== undefined) origins.add(offer.by);
    return told.length === 0;
  };
  const effects = { load: ({ output }: ChildEnd) => output };
  const driver: Driver = { invariants: { staysUntold }, effects, compareActions: true };
  for (const path of paths) await run(path, driver);
  if (delays.length === 0 || deeds.length === 0) throw new Error('no delay has been seen');
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

/** The machines of Sluice itself, ready to be explored. */
export function exploreSluice(id: MachineId): Graph {
  const { machine, how }: MachineCase = sluiceMachines[id];
  return explore(machine, how);
}

/** Tests written to files, and read again. */
export function written(machine: Reference): string[] {
  const { machine: logic } = sluiceMachines.flushWorker;
  const parts: Parts = partsOf(logic);
  const graph = explore(logic, plainExploration(parts));
  const paths = shortestPaths(graph);
  const knock: WrittenEvent = { type: 'Flush' };
  const cause: WrittenCause = { send: knock };
  const start: WrittenState = startOf(graph);
  const steps: WrittenStep[] = [{ ...cause, to: 'capturing' }];
  pathOf(graph, start, steps.concat(paths.flatMap(stepsOf)));
  const driver: DriverSource = { graph, tests: 'a.test.ts', explores: { machine, parts } };
  const exploration = { from: './a.driver.ts', name: 'exploration' };
  const common = { graph, paths, machine, exploration, driver: './a.driver.ts' };
  const tests: TestsSource = { ...common, runner: 'vitest', typed: true };
  return [writeDriver(driver), writeTests(tests)];
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
  const shown: KeyValues = [];
  const factory = (): Place<StoreAdapters<Note>> => ({
    adapters: () => ({
      ...log(memoryWal()),
      ...segments(),
      codec: plainCodec<Note>(),
      content: () => shown,
    }),
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

/** Runs a seed of the simulation; what was wrong, if anything was. */
export async function simulateSeed(seed: number): Promise<string | undefined> {
  const without: readonly FaultClass[] = ['powerCut'];
  const options: SimulateOptions = { seed, operations: 10, without };
  const result: SimulationResult = await simulate(options);
  return result.failure?.message;
}
