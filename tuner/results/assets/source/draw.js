// Draws a Vega-Lite description into an element; no code of a description is ever evaluated.
import { extend, logger } from "vega-util";
import { transforms } from "vega-dataflow";
import * as basic from "vega-transforms";
import * as ofViews from "vega-view-transforms";
import * as encode from "vega-encode";
import { View } from "vega-view";
import { parse } from "vega-parser";
import { expressionInterpreter } from "vega-interpreter";
import { compile } from "vega-lite";

extend(transforms, basic, ofViews, encode);

const ERRORS = 1; // what Vega-Lite warns of is meant to be so
const log = logger(ERRORS);

export function draw(description, container, tooltip) {
  const runtime = parse(compile(description, { logger: log }).spec, null, { ast: true });
  const view = new View(runtime, { renderer: "svg", container, hover: true, expr: expressionInterpreter, logger: log });
  if (tooltip) view.tooltip(tooltip);
  return view.runAsync();
}
