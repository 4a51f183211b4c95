import { instance, type Viz } from '@viz-js/viz';
import { useEffect, useRef, useState } from 'preact/hooks';
import { dot } from '../../src/charts/dot.js';
import { type ActorView, activeStates, type Model } from '../model.js';
import { stateText } from '../text.js';
import { Scrolled } from './scrolled.js';

/** By chart: after each break of the connection they are new ones. */
const drawn = new WeakMap<object, SVGSVGElement>();
let viz: Promise<Viz> | undefined;

/** The chart of an actor with its active states lit, and what it knows. */
export function Chart({ model, actor }: { model: Model; actor: ActorView | undefined }) {
  const place = useRef<HTMLDivElement>(null);
  const [engine, setEngine] = useState<Viz>();
  const chart = actor?.chart == null ? undefined : model.charts.get(actor.chart);
  useEffect(() => {
    viz ??= instance();
    void viz.then(setEngine);
  }, []);
  useEffect(() => {
    if (place.current === null || engine === undefined || chart === undefined) return;
    const svg = drawn.get(chart) ?? engine.renderSVGElement(dot(chart, { brief: true }));
    svg.setAttribute('aria-hidden', 'true');
    drawn.set(chart, svg);
    place.current.replaceChildren(svg);
  }, [engine, chart]);
  useEffect(() => {
    if (chart === undefined) return;
    const active = new Set(activeStates(chart, actor?.state?.value));
    for (const element of place.current?.querySelectorAll('.node, .cluster') ?? []) {
      element.classList.toggle('active', active.has(element.id));
    }
  });
  if (actor === undefined) return null;
  const { state } = actor;
  return (
    <section aria-labelledby="chart">
      <h2 id="chart">
        {actor.name} <span class="state">{stateText(state)}</span>
      </h2>
      {chart !== undefined && (
        <>
          <p class="about">{chart.description}</p>
          <Scrolled
            class="chart"
            label={`Chart of ${actor.name}, in the state ${stateText(state)}`}
          >
            <div ref={place} />
          </Scrolled>
        </>
      )}
      <dl class="knows">
        {state?.error !== undefined && <Known what="error" value={state.error} />}
        {state?.output !== undefined && <Known what="output" value={state.output} />}
        {state?.context !== undefined && <Known what="context" value={state.context} />}
      </dl>
    </section>
  );
}

function Known({ what, value }: { what: string; value: unknown }) {
  return (
    <>
      <dt>{what}</dt>
      <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
    </>
  );
}
