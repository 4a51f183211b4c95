import type { SegmentInfo } from '../../services/ports.js';
import { SCRIPTED, type Step, waysToOpen } from './steps.js';
import type { System } from './system.js';

/** A step with how likely it is beside others, before coverage is looked at. */
export interface Candidate {
  step: Step;
  weight: number;
}

const READERS_MAX = 3;

/** Everything that can happen to a system where it stands. */
export function candidates<Op, Info extends SegmentInfo>(
  system: System<Op, Info>,
  mark: () => string,
): Candidate[] {
  const { state } = system;
  if (state === 'stopped') return [{ step: { step: 'restart' }, weight: 1 }];
  return [
    ...requests(mark),
    ...readers(system),
    ...calls(system),
    ...budgets(system),
    ...(system.clock.pending > 0 ? [of({ step: 'timer' }, 6)] : []),
    ...(state === 'broken' ? [of({ step: 'reopen' }, 4)] : []),
    of({ step: 'kill' }, 0.15),
    of({ step: 'stop' }, 0.3),
  ];
}

const of = (step: Step, weight: number): Candidate => ({ step, weight });

function requests(mark: () => string): Candidate[] {
  const submit = (step: Omit<Extract<Step, { step: 'submit' }>, 'step' | 'mark'>, weight: number) =>
    of({ step: 'submit', ...step, mark: mark() }, weight);
  return [
    submit({ wait: false, patience: 'endless' }, 3),
    submit({ wait: true, patience: 'endless' }, 3),
    submit({ wait: 'optimized', patience: 'endless' }, 0.5),
    submit({ wait: true, patience: 'abortable' }, 0.5),
    submit({ wait: true, patience: 'short' }, 0.5),
    of({ step: 'submitBad' }, 0.1),
    of({ step: 'plunge' }, 1),
    of({ step: 'flush' }, 1),
    of({ step: 'trigger' }, 1),
    of({ step: 'reconfigure', slots: 0, flushIntervalMs: 2000 }, 0.15),
    of({ step: 'reconfigure', slots: 1, flushIntervalMs: 4000 }, 0.3),
    of({ step: 'reconfigure', slots: 3, flushIntervalMs: 50_000 }, 0.3),
  ];
}

function readers<Op, Info extends SegmentInfo>({ callers }: System<Op, Info>): Candidate[] {
  const { readers: open, holds, abortable } = callers;
  const [reader, hold, request] = [open[0], holds[0], abortable.at(-1)];
  return [
    ...(open.length < READERS_MAX
      ? [
          of({ step: 'openReader', follow: true }, 0.3),
          of({ step: 'openReader', follow: false }, 0.3),
        ]
      : []),
    ...open.map((number) => of({ step: 'read', reader: number }, 1)),
    ...(reader === undefined ? [] : [of({ step: 'closeReader', reader }, 0.3)]),
    of({ step: 'keep', back: 2 }, 0.5),
    ...(hold === undefined ? [] : [of({ step: 'giveUp', hold }, 0.6)]),
    ...(request === undefined ? [] : [of({ step: 'abort', request }, 0.7)]),
  ];
}

/** The calls at their gates, each in every way it can be opened, and failures for those without. */
function calls<Op, Info extends SegmentInfo>({ waiting }: System<Op, Info>): Candidate[] {
  const sites = [...new Set(waiting.map(({ call }) => call.site))];
  const opened = sites.flatMap((site) =>
    waysToOpen(site).map((how) =>
      of({ step: 'open', site, how }, how === 'well' ? 4 : how === 'transient' ? 0.8 : 0.1),
    ),
  );
  return [...opened, ...SCRIPTED.map((step) => of(step, step.how === 'sticky' ? 0.02 : 0.15))];
}

function budgets<Op, Info extends SegmentInfo>({ foreign }: System<Op, Info>): Candidate[] {
  const names = ['io', 'cpu'] as const;
  return names.map((budget) =>
    foreign[budget] > 0
      ? of({ step: 'givePermits', budget }, 1)
      : of({ step: 'takePermits', budget }, 0.3),
  );
}
