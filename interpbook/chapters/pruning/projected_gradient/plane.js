// The page's half of the plane of two weights of which one may stay; the kernel's half is plane.py.

var REACHES = [[-1.4, 1.4], [-0.6, 1.4]];
var NEAR = 0.05;
var COUPLING = 0.5;
var STEPS = 30;
var SAME = 1e-9;
var LEVELS = 8;
var CORNERS = 48;
var BEND = 0.25;
var CROSS = 0.07;

function twoWeights(now) {
  var b = minimumAt(now.points.b);
  var lr = now.settings.lr;
  var opened = now.settings.open_steps;
  var path = runOf(now.points.w, b, lr, opened);
  var title = "size after the gradient step, in % of the larger";
  var result = { marks: marksOf(now.limits, path, b, lr, opened), places: { b: b, w: path[0] } };
  if (b[0] === 0 && b[1] === 0) {
    result.facts = [["flat", {}]];
    result.pictures = [[title, { kind: "bars", labels: [], values: [] }]];
    return result;
  }
  var ahead = stepped(path[STEPS], b, lr);
  var most = Math.max(Math.abs(ahead[0]), Math.abs(ahead[1]));
  result.facts = factsOf(path, b, ahead, opened);
  result.pictures = [[title, {
    kind: "bars", labels: ["w1", "w2"], values: [Math.abs(ahead[0]) / most, Math.abs(ahead[1]) / most],
    chosen: keptOf(ahead)
  }]];
  return result;
}

function factsOf(path, b, ahead, opened) {
  var before = path[STEPS];
  var end = path[path.length - 1];
  var stays = keptOf(before);
  var dropped = 1 - stays;
  var facts = [];
  if (path[0][0] === 0 && path[0][1] === 0) {
    facts.push(["origin", {}]);
  } else if (keptOf(path[0]) !== stays) {
    facts.push(["changed", { kept: stays + 1, zero: dropped + 1 }]);
  }
  facts.push(["ahead", {
    kept: stays + 1, zero: dropped + 1, size: Math.abs(ahead[stays]), reach: Math.abs(ahead[dropped])
  }]);
  facts.push([keptOf(ahead) === stays ? "stays" : "takes", {}]);
  facts.push([opened === 0 ? "closed" : opened === 1 ? "once" : "opened", {
    kept: keptOf(end) + 1, value: end[keptOf(end)], steps: opened
  }]);
  facts.push(["losses", { before: lossOf(before, b), after: lossOf(end, b), least: bestAlone(b).loss }]);
  var tied = Math.abs(Math.abs(b[0]) - Math.abs(b[1])) < SAME;
  facts.push(tied ? ["either", {}] : ["best", { best: keptOf(b) + 1 }]);
  return facts;
}

function lossOf(w, b) {
  var e1 = w[0] - b[0];
  var e2 = w[1] - b[1];
  return (e1 * e1 + 2 * COUPLING * e1 * e2 + e2 * e2) / 2;
}

// One gradient step, before any projection.
function stepped(w, b, lr) {
  var e1 = w[0] - b[0];
  var e2 = w[1] - b[1];
  return [w[0] - lr * (e1 + COUPLING * e2), w[1] - lr * (COUPLING * e1 + e2)];
}

// The place of the larger weight; of two as large, the first.
function keptOf(w) {
  return Math.abs(w[0]) >= Math.abs(w[1]) ? 0 : 1;
}

function ontoAxis(w) {
  return keptOf(w) === 0 ? [w[0], 0] : [0, w[1]];
}

function runOf(start, b, lr, opened) {
  var path = [ontoAxis(start)];
  for (var t = 1; t <= 2 * STEPS + opened; t++) {
    var free = stepped(path[t - 1], b, lr);
    path.push(t > STEPS && t <= STEPS + opened ? free : ontoAxis(free));
  }
  return path;
}

// Where one weight has the least loss, and that loss.
function bestAlone(b) {
  var left = 1 - COUPLING * COUPLING;
  return keptOf(b) === 0 ?
    { at: [b[0] + COUPLING * b[1], 0], loss: left * b[1] * b[1] / 2 } :
    { at: [0, b[1] + COUPLING * b[0]], loss: left * b[0] * b[0] / 2 };
}

// Inside of its reach, and on an axis where it is close to one.
function minimumAt(dragged) {
  return dragged.map(function (at, axis) {
    var inside = Math.min(REACHES[axis][1], Math.max(REACHES[axis][0], at));
    return Math.abs(inside) < NEAR ? 0 : inside;
  });
}

function marksOf(limits, path, b, lr, opened) {
  var ahead = stepped(path[STEPS], b, lr);
  var first = (opened ? path.slice(0, STEPS + 1) : path).flat();
  var at = bestAlone(b).at;
  var marks = [
    { kind: "line", values: levelsOf(b), color: 4, label: "level lines of the loss", faint: true },
    {
      kind: "line", values: [-3, -3, 3, 3, NaN, NaN, -3, 3, 3, -3], color: 5, label: "weights of equal size",
      faint: true, dashed: true
    },
    {
      kind: "line", values: [limits[0][0], 0, limits[0][1], 0, NaN, NaN, 0, limits[1][0], 0, limits[1][1]], color: 5,
      label: "allowed: one weight"
    },
    { kind: "line", values: first, color: 0 },
    { kind: "dots", values: first, color: 0, label: "steps with one weight" }
  ];
  if (opened) {
    var free = path.slice(STEPS, STEPS + opened + 1);
    var last = stepped(free[opened], b, lr);
    marks.push(
      { kind: "line", values: free.concat([last]).flat(), color: 1 },
      { kind: "dots", values: free.flat(), color: 1, label: "steps with both weights" },
      { kind: "line", values: last.concat(ontoAxis(last)), color: 3, dashed: true },
      { kind: "line", values: path.slice(STEPS + opened + 1).flat(), color: 3, label: "one weight again" }
    );
  }
  // Over the open steps, of which the first is the same.
  marks.push(
    { kind: "arrows", values: path[STEPS].concat(ahead), color: 2, label: "the gradient step after 30 steps" },
    { kind: "line", values: bent(ahead, ontoAxis(ahead)), color: 2, label: "its projection", dashed: true },
    { kind: "line", values: crossAt(at), color: 4, label: "least loss with one weight" },
    { kind: "dots", values: path[path.length - 1], color: 3, label: "end" }
  );
  return marks;
}

function crossAt(at) {
  return [
    at[0] - CROSS, at[1] - CROSS, at[0] + CROSS, at[1] + CROSS, NaN, NaN,
    at[0] - CROSS, at[1] + CROSS, at[0] + CROSS, at[1] - CROSS
  ];
}

// Ellipses around b, on which the root of the loss is an equal step larger from each to the next.
function levelsOf(b) {
  var values = [];
  for (var level = 1; level <= LEVELS; level++) {
    for (var k = 0; k <= CORNERS; k++) {
      var angle = 2 * Math.PI * k / CORNERS;
      var along = Math.cos(angle) / Math.sqrt(2 * (1 + COUPLING));
      var beside = Math.sin(angle) / Math.sqrt(2 * (1 - COUPLING));
      values.push(b[0] + 0.4 * level * (along + beside), b[1] + 0.4 * level * (along - beside));
    }
    values.push(NaN, NaN);
  }
  return values;
}

// A bow from one point to another, beside the arrow that may lie just between them.
function bent(start, end) {
  var across = end[0] - start[0];
  var up = end[1] - start[1];
  var values = [];
  for (var k = 0; k <= 12; k++) {
    var way = k / 12;
    var aside = 4 * way * (1 - way) * BEND;
    values.push(start[0] + way * across - aside * up, start[1] + way * up + aside * across);
  }
  return values;
}
