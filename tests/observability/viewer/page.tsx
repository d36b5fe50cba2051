// A dashboard's file as a page: /?file=game/component.json&now=MILLISECONDS&var-NAME=VALUE
//
// When everything is drawn, `window.drawn` tells of each panel what it shows: "drawn", "empty", or what went wrong.

import {
  createTheme,
  DataFrame,
  GrafanaTheme2,
  standardTransformers,
  standardTransformersRegistry,
  TimeRange,
  transformDataFrame,
} from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { GlobalStyles, PanelChrome, PortalContainer, ThemeContext } from '@grafana/ui';
import { Component, ReactNode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { lastValueFrom } from 'rxjs';

import { configured, PANELS } from './panels';
import { ask, Chosen, filled, rangeOf, Target } from './queries';

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  options: any;
  fieldConfig: any;
  targets: Target[];
  transformations?: any[];
}

declare global {
  interface Window {
    drawn?: Record<string, string>;
  }
}

// Grafana's own grid: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
const COLUMNS = 24;
const ROW = 30;
const GAP = 8;
const EDGE = 16;
const HEAD = 56;

// What the dashboards do with their tables: `organize` is made of the others.
const USED = [
  standardTransformers.organizeFieldsTransformer,
  standardTransformers.filterFieldsByNameTransformer,
  standardTransformers.orderFieldsTransformer,
  standardTransformers.renameFieldsTransformer,
];

const states: Record<string, string> = {};

function place(panel: Panel, width: number) {
  const { x, y, w, h } = panel.gridPos;
  const column = (width - 2 * EDGE - GAP * (COLUMNS - 1)) / COLUMNS;
  return {
    left: EDGE + x * (column + GAP),
    top: HEAD + y * (ROW + GAP),
    width: w * (column + GAP) - GAP,
    height: h * (ROW + GAP) - GAP,
  };
}

async function answers(panel: Panel, chosen: Chosen, range: TimeRange, theme: GrafanaTheme2): Promise<DataFrame[]> {
  const found = (await Promise.all(panel.targets.map((target) => ask(target, chosen, range)))).flat();
  const shaped = await lastValueFrom(transformDataFrame(panel.transformations ?? [], found));
  return configured(panel.type, shaped, panel.fieldConfig, theme);
}

function DrawnPanel(props: { panel: Panel; chosen: Chosen; range: TimeRange; theme: GrafanaTheme2; width: number }) {
  const { panel, chosen, range, theme } = props;
  const { left, top, width, height } = place(panel, props.width);
  const [frames, setFrames] = useState<DataFrame[]>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    answers(panel, chosen, range, theme)
      .then((found) => {
        setFrames(found);
        states[panel.id] = found.some((frame) => frame.length > 0) ? 'drawn' : 'empty';
      })
      .catch((error) => {
        setProblem(`${error}`);
        states[panel.id] = `${error}`;
      });
  }, []);
  const title = filled(panel.title, chosen, range);
  return (
    <div data-panel={panel.id} style={{ position: 'absolute', left, top, width, height }}>
      <PanelChrome title={title} width={width} height={height} statusMessage={problem}>
        {(innerWidth, innerHeight) => (
          <Whole id={panel.id}>
            {frames && states[panel.id] === 'drawn'
              ? PANELS[panel.type]({
                  frames,
                  range,
                  theme,
                  options: panel.options,
                  fieldConfig: panel.fieldConfig,
                  width: innerWidth,
                  height: innerHeight,
                })
              : 'No data'}
          </Whole>
        )}
      </PanelChrome>
    </div>
  );
}

/** Notices what a panel throws while it is drawn, and leaves the other panels alone. */
class Whole extends Component<{ id: number; children: ReactNode }, { problem?: string }> {
  state: { problem?: string } = {};

  static getDerivedStateFromError(error: unknown) {
    return { problem: `${error}` };
  }

  componentDidCatch(error: unknown) {
    states[this.props.id] = `${error}`;
  }

  render() {
    return this.state.problem ?? this.props.children;
  }
}

function Dashboard(props: { dashboard: any; chosen: Chosen; range: TimeRange; theme: GrafanaTheme2 }) {
  const { dashboard, chosen, range, theme } = props;
  const width = document.documentElement.clientWidth;
  const panels: Panel[] = dashboard.panels;
  const bottom = Math.max(...panels.map((panel) => place(panel, width).top + place(panel, width).height));
  const choices = dashboard.templating.list.map(({ name, label }: any) => `${label}: ${chosen[name] || 'all'}`);
  return (
    <div id="dashboard" style={{ position: 'relative', height: bottom + EDGE, background: theme.colors.background.canvas }}>
      <header style={{ position: 'absolute', left: EDGE, top: 12, right: EDGE, fontSize: 20 }}>
        {dashboard.title}
        <span style={{ float: 'right', fontSize: 14, color: theme.colors.text.secondary }}>
          {[...choices, `${dashboard.time.from} to now`].join('  ·  ')}
        </span>
      </header>
      {panels.map((panel) =>
        panel.type === 'row' ? (
          <h5 key={panel.id} style={{ position: 'absolute', ...place(panel, width), margin: 0, lineHeight: `${ROW}px` }}>
            {panel.title}
          </h5>
        ) : (
          <DrawnPanel key={panel.id} {...{ panel, chosen, range, theme, width }} />
        )
      )}
    </div>
  );
}

async function show() {
  const asked = new URLSearchParams(location.search);
  await initPluginTranslations('viewer');
  standardTransformersRegistry.setInit(() =>
    USED.map((transformation) => ({ ...transformation, transformation: async () => transformation }) as any)
  );
  const dashboard = await (await fetch(`/dashboards/${asked.get('file')}`)).json();
  const chosen: Chosen = {};
  asked.forEach((value, name) => {
    if (name.startsWith('var-')) {
      chosen[name.slice(4)] = value;
    }
  });
  const theme = createTheme({ colors: { mode: 'dark' } });
  const range = rangeOf(dashboard.time, Number(asked.get('now')));
  createRoot(document.getElementById('page')!).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Dashboard {...{ dashboard, chosen, range, theme }} />
      <PortalContainer />
    </ThemeContext.Provider>
  );
  const asking = dashboard.panels.filter((panel: Panel) => panel.type !== 'row');
  while (Object.keys(states).length < asking.length) {
    await new Promise(requestAnimationFrame);
  }
  // The last panel has its data now; two frames later it is on the screen, or has thrown.
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  window.drawn = Object.fromEntries(asking.map((panel: Panel) => [panel.title, states[panel.id]]));
}

show().catch((error) => {
  window.drawn = { page: `${error}` };
});
