import { type ActorView, childrenOf, type Model } from '../model.js';
import { stateText } from '../text.js';

/** The actors as a tree; one is chosen to be looked at. */
export function Actors({
  model,
  chosen,
  onChoose,
}: {
  model: Model;
  chosen: string | undefined;
  onChoose: (idAndName: string) => void;
}) {
  const branch = (actors: readonly ActorView[]) => (
    <ul>
      {actors.map((actor) => {
        const { id, name, state } = actor;
        const children = childrenOf(model, id);
        return (
          <li key={id}>
            <button
              type="button"
              class={`actor ${state?.status ?? 'active'}`}
              aria-current={id === chosen ? 'true' : undefined}
              onClick={() => onChoose(`${id} ${name}`)}
            >
              <span class="name">{name}</span> <span class="state">{stateText(state)}</span>
            </button>
            {children.length > 0 && branch(children)}
          </li>
        );
      })}
    </ul>
  );
  return (
    <section aria-labelledby="actors">
      <h2 id="actors">Actors</h2>
      <nav class="tree" aria-labelledby="actors">
        {branch(childrenOf(model, null))}
      </nav>
    </section>
  );
}
