// The page's half of the curve with a point and a baseline to drag; the kernel's half is curve.py.

var NOTHING = 1e-12;
var LINES = ["tangent", "fit to noise", "secant"];

function lfaCurve(now, tables) {
  var x = now.points.x[0];
  var baseline = now.points.baseline[0];
  var noisy = Array.from(tables.noise.values, function (value) {
    return x + now.settings.noise * value;
  });
  var lines = [tangentAt(x), fitTo(noisy), secantOf(x, baseline)];
  var rise = heightAt(x) - heightAt(baseline);
  var rises = lines.map(function (line) {
    return line.slope * (x - baseline);
  });
  function errors(title, where) {
    var values = lines.map(function (line) {
      return lineError(line, where);
    });
    var least = values.indexOf(Math.min.apply(null, values));
    return [title, { kind: "bars", labels: LINES, values: values, chosen: least }];
  }
  return {
    marks: [
      { kind: "line", values: curvePoints(now.limits[0]), color: 5, label: "the function" },
      { kind: "dots", values: someOf(noisy), color: 2, faint: true }
    ].concat(lines.map(function (line, k) {
      var ends = now.limits[0];
      return {
        kind: "line", values: [ends[0], lineAt(line, ends[0]), ends[1], lineAt(line, ends[1])], color: [0, 2, 1][k],
        label: LINES[k], dashed: LINES[k] === "secant"
      };
    })),
    facts: [
      ["lines", { rise: rise, tangent: rises[0], noise: rises[1], secant: rises[2] }],
      [rises[0] * rise < 0 ? "sign" : "same", {}]
    ],
    pictures: [errors("error under the noise", noisy), errors("error at point and baseline", [x, baseline])],
    places: { x: [x, heightAt(x)], baseline: [baseline, heightAt(baseline)] }
  };
}

function heightAt(t) {
  return Math.sin(2 * t) + t / 2;
}

function average(values) {
  return values.reduce(function (total, value) {
    return total + value;
  }, 0) / values.length;
}

function tangentAt(x) {
  return { slope: 2 * Math.cos(2 * x) + 0.5, x: x, y: heightAt(x) };
}

// The line of least squares at these inputs.
function fitTo(noisy) {
  var center = average(noisy);
  var spread = average(noisy.map(function (t) {
    return (t - center) * (t - center);
  }));
  var along = average(noisy.map(function (t) {
    return (t - center) * heightAt(t);
  }));
  return { slope: along / spread, x: center, y: average(noisy.map(heightAt)) };
}

function secantOf(x, baseline) {
  if (Math.abs(x - baseline) < NOTHING) {
    return tangentAt(x);
  }
  return { slope: (heightAt(x) - heightAt(baseline)) / (x - baseline), x: x, y: heightAt(x) };
}

function lineAt(line, t) {
  return line.y + line.slope * (t - line.x);
}

// The mean squared error of a line, as a share of the variance of f there, at most 1.
function lineError(line, where) {
  var heights = where.map(heightAt);
  var middle = average(heights);
  var wrong = average(where.map(function (t, k) {
    return (lineAt(line, t) - heights[k]) * (lineAt(line, t) - heights[k]);
  }));
  var variance = average(heights.map(function (value) {
    return (value - middle) * (value - middle);
  }));
  if (wrong < NOTHING) {
    return 0;
  }
  return variance > NOTHING ? Math.min(1, wrong / variance) : 1;
}

function curvePoints(ends) {
  var points = [];
  for (var k = 0; k <= 120; k++) {
    var t = ends[0] + (ends[1] - ends[0]) * k / 120;
    points.push(t, heightAt(t));
  }
  return points;
}

// Every tenth input, on the curve.
function someOf(noisy) {
  var points = [];
  for (var k = 5; k < noisy.length; k += 10) {
    points.push(noisy[k], heightAt(noisy[k]));
  }
  return points;
}
