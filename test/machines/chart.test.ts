// The charts describe themselves: documentation and diagrams are made from these texts.
import { readFileSync } from 'node:fs';
import { guardName, stateNodes, transitions } from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { eventName } from '#sluice/charts/definition.js';
import { flushWorkerMachine } from '#sluice/machines/flush-worker.js';
import { optimizationTaskMachine } from '#sluice/machines/optimization-task.js';
import { optimizerSchedulerMachine } from '#sluice/machines/optimizer-scheduler.js';
import type { ChartMeta } from '#sluice/machines/signals.js';
import { updateHandlerMachine } from '#sluice/machines/update-handler.js';
import { updateWorkerMachine } from '#sluice/machines/update-worker.js';

const MACHINES: readonly AnyStateMachine[] = [
  updateHandlerMachine,
  updateWorkerMachine,
  optimizerSchedulerMachine,
  optimizationTaskMachine,
  flushWorkerMachine,
];

const PAGES = new URL('../../docs/machines/', import.meta.url);

const sorted = (names: Iterable<string>) => [...new Set(names)].sort();

/** The names of the actions of a state or a transition; a function has none of its own. */
function actionsOf(place: AnyStateNode | AnyTransitionDefinition): string[] {
  const written = 'states' in place ? [place.config.entry, place.config.exit] : [place.actions];
  return written.flat().flatMap((action: unknown) => {
    if (action === undefined) return [];
    return typeof action === 'string' ? action : String((action as { type?: string }).type);
  });
}

for (const machine of MACHINES) {
  describe(`the chart of ${machine.id}`, () => {
    const meta: ChartMeta = machine.root.meta;

    it('describes the machine and each state in a sentence', () => {
      const nodes = stateNodes(machine);
      const poor = nodes.filter(({ description }) => !/^[A-Z].*\.$/.test(description ?? ''));
      expect(poor.map(({ id }) => id)).toEqual([]);
    });

    it('describes every event that it takes, and no other', () => {
      const taken = stateNodes(machine).flatMap(({ config }) => Object.keys(config.on ?? {}));
      expect(sorted(Object.keys(meta.events))).toEqual(sorted(taken));
    });

    it('describes every guard that it asks, and no other', () => {
      const asked = transitions(machine).flatMap((transition) => guardName(transition) ?? []);
      expect(sorted(Object.keys(meta.guards))).toEqual(sorted(asked));
      expect(sorted(Object.keys(machine.implementations.guards))).toEqual(sorted(asked));
    });

    it('describes every delay that it waits for, and no other', () => {
      const awaited = stateNodes(machine).flatMap(({ config }) => Object.keys(config.after ?? {}));
      expect(sorted(Object.keys(meta.delays))).toEqual(sorted(awaited));
    });

    it('has all of that on its page', () => {
      const page = readFileSync(new URL(`${machine.id}.md`, PAGES), 'utf8');
      const { events, guards, delays } = meta;
      const names = Object.keys(events).map((type) => [eventName({ type }), events[type]]);
      const states = stateNodes(machine).slice(1);
      const described = [
        ...states.map(({ id, description }) => [id.slice(machine.id.length + 1), description]),
        ...[...names, ...Object.entries(guards), ...Object.entries(delays)],
      ];
      const rows = described.map(([name, text]) => `| \`${name}\` | ${text} |`);
      expect(rows.filter((row) => !page.includes(row))).toEqual([]);
    });

    it('has a name for each action, effect and delay, so that it can be provided', () => {
      const { actions, actors, delays } = machine.implementations;
      const nodes = stateNodes(machine);
      const used = [...nodes, ...transitions(machine)].flatMap(actionsOf);
      expect(used.filter((name) => !(name in actions))).toEqual([]);
      const effects = nodes.flatMap(({ invoke }) => invoke.map(({ src }) => String(src)));
      expect(effects.filter((name) => !(name in actors))).toEqual([]);
      const timers = nodes.flatMap(({ config }) => Object.keys(config.after ?? {}));
      expect(timers.filter((name) => !(name in delays))).toEqual([]);
    });

    it('names every actor once: the id of an invoked one is its own', () => {
      const ids = stateNodes(machine).flatMap(({ invoke }) => invoke.map(({ id }) => id));
      expect(ids).toEqual(sorted(ids).sort((a, b) => ids.indexOf(a) - ids.indexOf(b)));
      expect(ids.filter((id) => /\d:/.test(id))).toEqual([]);
    });
  });
}
