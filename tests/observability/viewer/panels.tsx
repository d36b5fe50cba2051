// Each kind of panel that the dashboards use, drawn by the components of Grafana's own library.
//
// That library has no panel for logs, which Grafana keeps in its server: those are drawn as plain lines here.

import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  DataFrame,
  Field,
  FieldColorModeId,
  FieldConfigSource,
  FieldDisplay,
  FieldState,
  FieldType,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  GrafanaTheme2,
  ThresholdsConfig,
  ThresholdsMode,
  TimeRange,
  VizOrientation,
} from '@grafana/data';
import { BarGaugeNamePlacement } from '@grafana/schema';
import { BarGauge, BigValue, TimeSeries, VizRepeater, VizRepeaterRenderValueProps } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { ReactElement } from 'react';

export interface Drawing {
  frames: DataFrame[];
  options: any;
  fieldConfig: FieldConfigSource;
  theme: GrafanaTheme2;
  range: TimeRange;
  width: number;
  height: number;
}

// What Grafana takes where a dashboard says nothing: a number of 80 is red for it, whatever it counts.
const THRESHOLDS: ThresholdsConfig = {
  mode: ThresholdsMode.Absolute,
  steps: [
    { color: 'green', value: -Infinity },
    { color: 'red', value: 80 },
  ],
};

/** Fields with the units, bounds and colours that the dashboard gives them, or else Grafana. */
export function configured(
  type: string,
  frames: DataFrame[],
  fieldConfig: FieldConfigSource,
  theme: GrafanaTheme2
): DataFrame[] {
  const color = { mode: type === 'timeseries' ? FieldColorModeId.PaletteClassic : FieldColorModeId.Thresholds };
  const defaults = { thresholds: THRESHOLDS, color, ...fieldConfig.defaults };
  const steps = defaults.thresholds.steps.map((step) => ({ ...step, value: step.value ?? -Infinity }));
  const data = frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => ({
      ...field,
      config: { ...defaults, ...field.config, thresholds: { ...defaults.thresholds, steps } },
      // A name that was made before a transformation gave it another.
      state: {} as FieldState,
    })),
  }));
  data.flatMap((frame) => frame.fields.filter(counted)).forEach((field, at) => (field.state.seriesIndex = at));
  const done = applyFieldOverrides({
    data,
    fieldConfig: { defaults: {}, overrides: fieldConfig.overrides },
    theme,
    replaceVariables: (text) => text,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(done);
  return done;
}

function counted(field: Field): boolean {
  return field.type === FieldType.number;
}

export const PANELS: Record<string, (drawing: Drawing) => ReactElement> = {
  timeseries: ({ frames, options, range, width, height }) => (
    <TimeSeries
      frames={frames}
      legend={{ showLegend: true, calcs: [], ...options.legend }}
      options={options}
      timeRange={range}
      timeZone="utc"
      width={width}
      height={height}
    />
  ),
  stat: (drawing) => (
    <Values
      drawing={drawing}
      one={({ value, width, height }) => (
        <BigValue
          value={value.display}
          sparkline={drawing.options.graphMode === 'none' ? undefined : value.sparkline}
          colorMode={drawing.options.colorMode}
          graphMode={drawing.options.graphMode}
          textMode={drawing.options.textMode}
          theme={drawing.theme}
          width={width}
          height={height}
        />
      )}
    />
  ),
  bargauge: (drawing) => (
    <Values
      drawing={drawing}
      one={({ value, width, height, orientation, alignmentFactors }) => (
        <BarGauge
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
          displayMode={drawing.options.displayMode}
          namePlacement={drawing.options.namePlacement ?? BarGaugeNamePlacement.Auto}
          valueDisplayMode={drawing.options.valueMode}
          alignmentFactors={alignmentFactors as any}
          orientation={orientation}
          theme={drawing.theme}
          width={width}
          height={height}
        />
      )}
    />
  ),
  table: ({ frames, range, width, height }) => (
    <TableNG data={frames[0]} timeRange={range} width={width} height={height} />
  ),
  logs: ({ frames, width, height }) => <Lines frame={frames[0]} width={width} height={height} />,
};

function Values(props: {
  drawing: Drawing;
  one: (props: VizRepeaterRenderValueProps<FieldDisplay>) => ReactElement;
}) {
  const { frames, fieldConfig, options, theme, width, height } = props.drawing;
  return (
    <VizRepeater
      getValues={() =>
        getFieldDisplayValues({
          data: frames,
          fieldConfig,
          reduceOptions: { values: false, ...options.reduceOptions },
          replaceVariables: (text) => text,
          theme,
          sparkline: true,
          timeZone: 'utc',
        })
      }
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={props.one}
      source={frames}
      renderCounter={0}
      orientation={options.orientation ?? VizOrientation.Auto}
      width={width}
      height={height}
    />
  );
}

function Lines({ frame, width, height }: { frame: DataFrame; width: number; height: number }) {
  const [times, texts] = frame.fields;
  return (
    <div style={{ width, height, overflow: 'hidden', fontFamily: 'monospace', fontSize: 12, lineHeight: '18px' }}>
      {texts.values.map((text: string, at: number) => (
        <div key={at} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {new Date(times.values[at]).toISOString().slice(0, 19).replace('T', ' ')} {text}
        </div>
      ))}
    </div>
  );
}
