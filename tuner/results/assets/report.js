"use strict";

const found = JSON.parse(document.getElementById("found").textContent);
document.querySelectorAll("[hidden]").forEach((each) => each.removeAttribute("hidden"));
drawFigures(document.getElementById("figures"), found.figures);
new TrialsTable(document.getElementById("trials"), found.columns, askRows(found.columns, found.rows));
