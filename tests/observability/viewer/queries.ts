// What a panel asks of Prometheus and Loki, and the answers as the frames that Grafana's library draws.

import { DataFrame, dateTime, FieldType, renderLegendFormat, TimeRange, toDataFrame } from '@grafana/data';

export interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
  instant?: boolean;
  format?: string;
  queryType?: string;
  maxLines?: number;
  datasource?: { type: string };
}

export type Chosen = Record<string, string>;

interface Series {
  metric: Record<string, string>;
  stream?: Record<string, string>;
  value?: [number, string];
  values?: [number | string, string][];
}

const STEP_SECONDS = 60;

/** A text with values in the place of Grafana's variables: its own, and what the reader has chosen. */
export function filled(text: string, chosen: Chosen, range: TimeRange): string {
  const seconds = Math.round((range.to.valueOf() - range.from.valueOf()) / 1000);
  const known: Chosen = {
    __rate_interval: '5m',
    __interval: `${STEP_SECONDS}s`,
    __auto: '5m',
    __range: `${seconds}s`,
    ...chosen,
  };
  // The longest names first: `$__range` begins none of the others, but a variable may begin another one's name.
  const names = Object.keys(known).sort((one, other) => other.length - one.length);
  return names.reduce(
    (done, name) => done.split(`\${${name}}`).join(known[name]).split(`$${name}`).join(known[name]),
    text
  );
}

/** The frames that answer a query. Throws with what the server said. */
export async function ask(target: Target, chosen: Chosen, range: TimeRange): Promise<DataFrame[]> {
  const query = filled(target.expr, chosen, range);
  const source = target.datasource?.type ?? 'prometheus';
  const seconds = { from: range.from.valueOf() / 1000, to: range.to.valueOf() / 1000 };
  const instant = target.instant || target.queryType === 'instant';
  const root = source === 'loki' ? '/loki/api/v1' : '/prometheus/api/v1';
  const answer = instant
    ? await get(`${root}/query`, { query, time: `${seconds.to}` })
    : await get(`${root}/query_range`, {
        query,
        start: `${seconds.from}`,
        end: `${seconds.to}`,
        ...(answersWithLines(source, query)
          ? { limit: `${target.maxLines ?? 200}`, direction: 'backward' }
          : { step: `${STEP_SECONDS}` }),
      });
  const { resultType, result } = answer.data as { resultType: string; result: Series[] };
  if (resultType === 'streams') {
    return [lines(result)];
  }
  return target.format === 'table' || (instant && source === 'loki')
    ? [table(result, target)]
    : result.map((series) => graph(series, target));
}

function answersWithLines(source: string, query: string): boolean {
  return source === 'loki' && query.trim().startsWith('{');
}

async function get(path: string, parameters: Record<string, string>) {
  const answer = await fetch(`${path}?${new URLSearchParams(parameters)}`);
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(text);
  }
  return JSON.parse(text);
}

function graph(series: Series, target: Target): DataFrame {
  const samples = series.values ?? (series.value ? [series.value] : []);
  const name =
    target.legendFormat && target.legendFormat !== '__auto'
      ? renderLegendFormat(target.legendFormat, series.metric)
      : written(series.metric) || target.expr;
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: samples.map(([at]) => Number(at) * 1000) },
      {
        name: 'Value',
        type: FieldType.number,
        labels: series.metric,
        values: samples.map(([, value]) => Number(value)),
        config: { displayNameFromDS: name },
      },
    ],
  });
}

function written(labels: Record<string, string>): string {
  return Object.values(labels).join(' ');
}

function table(result: Series[], target: Target): DataFrame {
  const names = [...new Set(result.flatMap((series) => Object.keys(series.metric)))].sort();
  const last = (series: Series) => series.value ?? series.values![series.values!.length - 1];
  // Loki's tables bear the letter of their query, Prometheus' only where a panel has several.
  const value = target.datasource?.type === 'loki' ? `Value #${target.refId}` : 'Value';
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: result.map((series) => Number(last(series)[0]) * 1000) },
      ...names.map((name) => ({
        name,
        type: FieldType.string,
        values: result.map((series) => series.metric[name] ?? ''),
      })),
      { name: value, type: FieldType.number, values: result.map((series) => Number(last(series)[1])) },
    ],
  });
}

function lines(result: Series[]): DataFrame {
  const all = result
    .flatMap((series) => series.values!.map(([at, line]) => ({ at: Number(at) / 1e6, line, labels: series.stream! })))
    .sort((one, other) => other.at - one.at);
  return toDataFrame({
    fields: [
      { name: 'Time', type: FieldType.time, values: all.map((each) => each.at) },
      { name: 'Line', type: FieldType.string, values: all.map((each) => each.line) },
      { name: 'labels', type: FieldType.other, values: all.map((each) => each.labels) },
    ],
  });
}

/** The last hours that a dashboard shows by itself, such as `now-3h`, until the given moment. */
export function rangeOf(time: { from: string }, now: number): TimeRange {
  const [, number, unit] = /^now-(\d+)([mhd])$/.exec(time.from)!;
  const minutes = Number(number) * { m: 1, h: 60, d: 1440 }[unit as 'm' | 'h' | 'd'];
  const [from, to] = [dateTime(now - minutes * 60_000), dateTime(now)];
  return { from, to, raw: { from, to } };
}
