// The page's half of the chains in a mixture; the kernel's half is langevin.py.

var DEVIATION = 0.6;
var VARIANCE = DEVIATION * DEVIATION;
var STEP = 0.1;
var TRAIL = 6;
var CLASSES = ["A", "B"];
var COLORS = [1, 0];

function langevinChains(now, tables) {
  var free = now.settings.training === "cross-entropy alone";
  var slope = free ? now.points.slope : [0, 0];
  var chosen = CLASSES.indexOf(now.settings.class);
  var mean = now.points[CLASSES[chosen]];
  var paths = chainsOf(mean, slope, now.settings.steps, tables.noise);
  var ends = paths[paths.length - 1];
  var before = sharesAt(now, [0, 0]);
  var after = sharesAt(now, slope);
  var out = ends.filter(function (end) {
    return end.some(function (value, axis) {
      return value < now.limits[axis][0] || value > now.limits[axis][1];
    });
  }).length;
  var far = ends.reduce(function (total, end) {
    return total + Math.sqrt(squaredDistance(end, mean));
  }, 0) / ends.length / DEVIATION;
  var facts = [["chains", { steps: now.settings.steps, label: CLASSES[chosen], far: far }]];
  if (out) {
    facts.push(["out", { out: out }]);
  }
  return {
    marks: [
      {
        kind: "field", values: densityOf(now.limits, mean, slope), shape: [25, 40], color: COLORS[chosen],
        label: "implicit density of " + CLASSES[chosen]
      },
      { kind: "arrows", values: slopes(mean, slope), color: 5, label: "slope of its logit", faint: true },
      { kind: "line", values: trails(paths), color: COLORS[chosen], faint: true },
      { kind: "dots", values: ends.flat(), color: COLORS[chosen], label: "chains" },
      { kind: "arrows", values: [0, 0, slope[0], slope[1]], color: 3, label: "slope added to both logits" }
    ],
    facts: facts.concat([["probabilities", {}], moved(before, after)]),
    pictures: [
      ["probabilities at x, nothing added", barsOf(before)],
      ["with the slope added", barsOf(after)]
    ],
    places: free ? {} : { slope: [0, 0] }
  };
}

function squaredDistance(a, b) {
  return (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]);
}

// The probabilities of the classes at the reader's x, with a slope added to both logits.
function sharesAt(now, slope) {
  var x = now.points.x;
  var logits = CLASSES.map(function (name) {
    return -squaredDistance(x, now.points[name]) / (2 * VARIANCE) + slope[0] * x[0] + slope[1] * x[1];
  });
  var most = Math.max.apply(null, logits);
  var raised = logits.map(function (logit) {
    return Math.exp(logit - most);
  });
  return raised.map(function (value) {
    return value / (raised[0] + raised[1]);
  });
}

function barsOf(shares) {
  return { kind: "bars", labels: CLASSES, values: shares, chosen: shares.indexOf(Math.max.apply(null, shares)) };
}

function climb(x, mean, slope) {
  return [0, 1].map(function (axis) {
    return (mean[axis] - x[axis]) / VARIANCE + slope[axis];
  });
}

// A list of steps, each a list of the chains' places.
function chainsOf(mean, slope, steps, noise) {
  var count = noise.shape[1];
  var paths = [];
  for (var step = 0; step <= steps; step++) {
    var places = [];
    for (var k = 0; k < count; k++) {
      var at = 2 * (step * count + k);
      var z = [noise.values[at], noise.values[at + 1]];
      places.push(step ? nextPlace(paths[step - 1][k], mean, slope, z) : z);
    }
    paths.push(places);
  }
  return paths;
}

function nextPlace(x, mean, slope, z) {
  var gradient = climb(x, mean, slope);
  return [0, 1].map(function (axis) {
    return x[axis] + STEP / 2 * gradient[axis] + Math.sqrt(STEP) * z[axis];
  });
}

function densityOf(limits, mean, slope) {
  var center = [mean[0] + VARIANCE * slope[0], mean[1] + VARIANCE * slope[1]];
  var values = [];
  for (var row = 0; row < 25; row++) {
    for (var column = 0; column < 40; column++) {
      var x = limits[0][0] + (limits[0][1] - limits[0][0]) * column / 39;
      var y = limits[1][0] + (limits[1][1] - limits[1][0]) * row / 24;
      values.push(Math.exp(-squaredDistance([x, y], center) / (2 * VARIANCE)));
    }
  }
  return values;
}

// The gradient of the logit on a coarse grid, a twentieth of its length.
function slopes(mean, slope) {
  var values = [];
  for (var y = -2; y <= 2; y++) {
    for (var x = -3.5; x <= 3.5; x++) {
      var gradient = climb([x, y], mean, slope);
      values.push(x, y, x + gradient[0] / 20, y + gradient[1] / 20);
    }
  }
  return values;
}

// The last steps of every chain, as one line that is interrupted between chains.
function trails(paths) {
  var values = [];
  var recent = paths.slice(-TRAIL);
  recent[0].forEach(function (_, chain) {
    recent.forEach(function (places) {
      values.push(places[chain][0], places[chain][1]);
    });
    values.push(NaN, NaN);
  });
  return values;
}
