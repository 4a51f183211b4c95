import { useState } from 'preact/hooks';
import type { Source } from './connection.js';
import type { Model } from './model.js';
import { Actors } from './panels/actors.js';
import { Chart } from './panels/chart.js';
import { Controls } from './panels/controls.js';
import { Events } from './panels/events.js';
import { Log } from './panels/log.js';
import { Optimizations } from './panels/optimizations.js';
import { Segments } from './panels/segments.js';
import { Status } from './panels/status.js';
import { Throughput } from './panels/throughput.js';
import { Timeline } from './panels/timeline.js';

/** The whole page. */
export function App({ source, redraw }: { source: Source; redraw: () => void }) {
  const { model, hello, recording } = source;
  const [chosen, choose] = useState<string>();
  const mayControl = hello?.mayControl === true;
  const actor = chosenActor(model, chosen);
  const { store } = model;
  return (
    <>
      <header>
        <h1>{model.title || 'Sluice'}</h1>
        {store !== undefined && <Status store={store} />}
        {mayControl && <Controls />}
        {!source.isConnected && (
          <p class="lost" role="alert">
            not connected
          </p>
        )}
      </header>
      {recording !== undefined && <Timeline source={source} redraw={redraw} />}
      <main>
        <div class="column">
          <Actors model={model} chosen={actor?.id} onChoose={choose} />
          {store !== undefined && <Log store={store} />}
        </div>
        <div class="column">
          <Chart model={model} actor={actor} />
          {store !== undefined && <Events model={model} actor={actor} />}
        </div>
        <div class="column">
          {store !== undefined && <Throughput rates={model.rates} />}
          {store !== undefined && <Optimizations store={store} mayControl={mayControl} />}
          {store !== undefined && <Segments store={store} />}
          {store === undefined && <Events model={model} actor={actor} />}
        </div>
      </main>
    </>
  );
}

/** The one that was chosen, or its successor by name; else the first that has a chart. */
function chosenActor(model: Model, chosen: string | undefined) {
  const actors = [...model.actors.values()];
  const [name] = chosen?.split(' ').slice(-1) ?? [];
  return (
    actors.find(({ id }) => `${id} ${name}` === chosen) ??
    actors.find((actor) => actor.name === name) ??
    actors.find(({ chart }) => chart !== null)
  );
}
