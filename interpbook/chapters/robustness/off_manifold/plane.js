// The page's half of the plane with a manifold to turn and a gradient to drag; the kernel's half is plane.py.

var HANDLE = 1.5;
var NEAR = 0.05;
var SAME = 0.01;
var DIRECTIONS = 12;

function turningPlane(now, tables) {
  var direction = unitOf(now.points.manifold);
  var flat = Math.hypot(now.points.g[0], now.points.g[1]) < NEAR;
  var gradient = flat ? [0, 0] : now.points.g;
  var noise = pairsOf(tables.noise.values, now.settings.noise);
  var feet = noise.map(function (u) {
    return offLine(direction, u);
  });
  var marks = marksOf(now.limits, gradient, direction, noise, feet);
  var places = { manifold: [HANDLE * direction[0], HANDLE * direction[1]], g: gradient };
  if (flat) {
    return {
      marks: marks, facts: [["flat", {}]], places: places,
      pictures: [["share off the manifold", { kind: "bars", labels: [], values: [] }]]
    };
  }
  var outside = offLine(direction, gradient);
  var byNoise = meanSquare(gradient, feet) / meanSquare(gradient, noise);
  var byGradient = inner(outside, outside) / inner(gradient, gradient);
  var angle = Math.atan2(Math.hypot(outside[0], outside[1]), Math.abs(inner(gradient, direction))) * 180 / Math.PI;
  return {
    marks: marks, places: places,
    facts: [
      ["gradient", { angle: Math.floor(angle + 0.5), gradient: byGradient }],
      ["noise", { sigma: now.settings.noise, noise: byNoise }],
      [Math.abs(byNoise - byGradient) < SAME ? "same" : "parted", {}]
    ],
    pictures: [["share off the manifold", {
      kind: "bars", labels: ["by noise", "by gradient"], values: [byNoise, byGradient], chosen: 0
    }]]
  };
}

function inner(a, b) {
  return a[0] * b[0] + a[1] * b[1];
}

function unitOf(toward) {
  var angle = Math.atan2(toward[1], toward[0]);
  return [Math.cos(angle), Math.sin(angle)];
}

// What the projection onto the line leaves of a move.
function offLine(direction, move) {
  var along = inner(move, direction);
  return [move[0] - along * direction[0], move[1] - along * direction[1]];
}

// How far f is at a point from what it is at x.
function changeOf(gradient, point) {
  return Math.abs(Math.tanh(inner(gradient, point)));
}

function meanSquare(gradient, points) {
  return points.reduce(function (total, point) {
    return total + Math.pow(changeOf(gradient, point), 2);
  }, 0) / points.length;
}

function pairsOf(values, scale) {
  var pairs = [];
  for (var k = 0; k < values.length; k += 2) {
    pairs.push([scale * values[k], scale * values[k + 1]]);
  }
  return pairs;
}

function marksOf(limits, gradient, direction, noise, feet) {
  var across = [-direction[1], direction[0]];
  var mean = meanSquare(gradient, noise);
  var along = inner(gradient, direction);
  var most = noise.map(function (u) {
    return Math.pow(changeOf(gradient, u), 2) > mean;
  });
  function someOf(wanted) {
    return noise.filter(function (_, k) {
      return most[k] === wanted;
    }).flat();
  }
  return [
    {
      kind: "field", values: changesOn(limits, gradient), shape: [25, 31], color: 4,
      label: "change of f(z) = tanh⟨g, z⟩", faint: true
    },
    { kind: "line", values: throughX(direction), color: 0, label: "manifold" },
    { kind: "line", values: throughX(across), color: 5, faint: true, dashed: true },
    { kind: "line", values: strokesOf(noise, feet), color: 5, faint: true },
    { kind: "dots", values: someOf(false), color: 5, label: "noise: f changes little" },
    { kind: "dots", values: someOf(true), color: 1, label: "noise: f changes much" },
    { kind: "dots", values: feet.flat(), color: 3, label: "noise: part off the manifold" },
    { kind: "arrows", values: [0, 0, gradient[0], gradient[1]], color: 2, label: "gradient g" },
    { kind: "arrows", values: [along * direction[0], along * direction[1], gradient[0], gradient[1]], color: 3 }
  ];
}

function throughX(direction) {
  return [-4 * direction[0], -4 * direction[1], 4 * direction[0], 4 * direction[1]];
}

function changesOn(limits, gradient) {
  var values = [];
  for (var row = 0; row < 25; row++) {
    for (var column = 0; column < 31; column++) {
      values.push(changeOf(gradient, [
        limits[0][0] + (limits[0][1] - limits[0][0]) * column / 30,
        limits[1][0] + (limits[1][1] - limits[1][0]) * row / 24
      ]));
    }
  }
  return values;
}

// From the noise of the outer ring to its part off the manifold, as one line with gaps.
function strokesOf(noise, feet) {
  var values = [];
  for (var k = noise.length - DIRECTIONS; k < noise.length; k++) {
    values.push(noise[k][0], noise[k][1], feet[k][0], feet[k][1], NaN, NaN);
  }
  return values;
}
