// What the services around a machine see of it. A world knows the contract, not the chart: it hears
// what is asked, sees which effects begin, and objects where a service would be wronged.
import type { Driver, View } from 'sluice/testing';
import type { AnyEventObject } from 'xstate';

/** Something that an effect was given, or that an action tells. */
export type Given = Record<string, unknown>;

/** The end of an effect or of a child. */
export interface End {
  id: string;
  failed: boolean;
  output: unknown;
  /** What a failed one failed with, as text. */
  error: string;
}

/** Throws with the rule that is broken. */
export function must(holds: boolean, rule: string): void {
  if (!holds) throw new Error(rule);
}

export abstract class World {
  /** Effects and children that have begun and not ended, with their input. */
  protected readonly running = new Map<string, Given>();
  /** What the step did, as `did answerPlunger`, `began capture`, `told Nop`, in order. */
  protected deeds: string[] = [];
  protected timers: View['timers'] = [];
  protected isOver = false;

  /** An event from outside, or a reply of a child. */
  protected asked(_event: AnyEventObject): void {}
  protected elapsed(_event: AnyEventObject): void {}
  protected ended(_end: End): void {}
  /** One that has begun; `running` doesn't hold it yet. */
  protected began(_id: string, _input: Given): void {}
  /** One that has not ended is aborted, and nobody waits for it any more. */
  protected left(id: string): void {
    must(false, `${id} is left before it has settled`);
  }
  protected did(_action: string, _given: Given): void {}
  protected told(_event: AnyEventObject): void {}
  protected sent(_to: string, _event: AnyEventObject): void {}
  /** After all that a step did. */
  protected atRest(_view: View): void {}

  see(view: View): void {
    const { step, executed, snapshot } = view;
    this.deeds = [];
    this.timers = view.timers;
    if (step !== undefined) this.#hear(step.event, step.by);
    // What has crashed does nothing more; whoever owns it sees to the rest.
    if (snapshot.status === 'error') return;
    for (const { type, params } of executed) this.#watch(type, (params ?? {}) as Given);
    this.isOver = snapshot.status === 'done';
    this.atRest(view);
  }

  /** How often the step did something. */
  protected times(deed: string): number {
    return this.deeds.filter((one) => one === deed).length;
  }

  /** The step did something as often as it should have: once, or not at all. */
  protected once(deed: string, due: boolean, why: string): void {
    const times = this.times(deed);
    must(times === (due ? 1 : 0), `${why}: ${deed}, ${times} times`);
  }

  protected delays(): number[] {
    return this.timers.map(({ delayMs }) => delayMs);
  }

  #hear(event: AnyEventObject, by: string): void {
    if (by === 'timer') this.elapsed(event);
    else if (by !== 'child') this.asked(event);
    else {
      const { type, actorId: id, output, error } = event;
      this.running.delete(id);
      this.deeds.push(`ended ${id}`);
      const text = error instanceof Error ? error.message : String(error);
      this.ended({ id, output, failed: type.startsWith('xstate.error.'), error: text });
    }
  }

  #watch(type: string, given: Given): void {
    const { id, input = {}, to, event } = given;
    switch (type) {
      case 'xstate.spawnChild':
        this.deeds.push(`began ${id}`);
        must(!this.running.has(String(id)), `${id} begins although one is running`);
        this.began(String(id), input as Given);
        this.running.set(String(id), input as Given);
        break;
      case 'xstate.stopChild':
        this.deeds.push(`stopped ${id}`);
        if (this.running.delete(String(id))) this.left(String(id));
        break;
      case 'xstate.sendTo':
        this.#pass(String(to), event as AnyEventObject);
        break;
      case 'xstate.raise':
      case 'xstate.cancel':
        break;
      default:
        this.deeds.push(`did ${type}`);
        this.did(type, given);
    }
  }

  #pass(to: string, event: AnyEventObject): void {
    const isParent = to === 'parent' || to === 'the parent';
    this.deeds.push(isParent ? `told ${event.type}` : `sent ${event.type} to ${to}`);
    if (isParent) {
      this.told(event);
      return;
    }
    must(this.running.has(to), `${event.type} is sent to ${to}, which is not there`);
    this.sent(to, event);
  }
}

/** Lets worlds watch a path. */
export function watchedBy(worlds: readonly World[]): Driver {
  const watch = (world: World) => [world.constructor.name, (view: View) => world.see(view)];
  return { invariants: Object.fromEntries(worlds.map(watch)) };
}
