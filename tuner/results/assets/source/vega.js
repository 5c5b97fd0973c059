// What Vega-Lite takes of the package `vega`, without the rest of it (maps, forces, word clouds).
export * from "vega-util";
