import { fromPromise, type PromiseActorLogic } from 'xstate';

/**
 * A place for an asynchronous effect in a chart: named and typed here, provided by whoever runs the
 * machine (`machine.provide({ actors })`). Running it unprovided is an error.
 */
export function effect<Output, Input = undefined>(name: string): PromiseActorLogic<Output, Input> {
  return fromPromise<Output, Input>(() => Promise.reject(new Error(`no actor provided: ${name}`)));
}

/** Does nothing until it is provided. */
export function noAction(): void {}
