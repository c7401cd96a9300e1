// What is drawn in the plane of a figure of explore.plane. `frame` knows the size in pixels and turns coordinates into
// places; a mark is plain data, see interpbook.explore.marks.

var FAINT = 0.35;
var HEAVY = 2;
var MARGIN = { left: 58, right: 12, top: 10, bottom: 38 };

// Of a plane with these limits in a picture of this size.
function frameOf(limits, width, height) {
  var inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  var span = limits.map(function (ends) {
    return ends[1] - ends[0];
  });
  return {
    width: width, height: height, inner: inner,
    x: function (value) {
      return MARGIN.left + (value - limits[0][0]) / span[0] * inner.width;
    },
    y: function (value) {
      return MARGIN.top + (limits[1][1] - value) / span[1] * inner.height;
    },
    // The point of the plane at a place, inside of the limits.
    point: function (left, top) {
      return [
        clamp(limits[0][0] + (left - MARGIN.left) / inner.width * span[0], limits[0]),
        clamp(limits[1][1] - (top - MARGIN.top) / inner.height * span[1], limits[1])
      ];
    }
  };
}

// Of a picture of this width in which a unit is as long on both axes.
function heightOf(limits, width) {
  var unit = (width - MARGIN.left - MARGIN.right) / (limits[0][1] - limits[0][0]);
  return MARGIN.top + MARGIN.bottom + unit * (limits[1][1] - limits[1][0]);
}

function clamp(value, ends) {
  return Math.min(ends[1], Math.max(ends[0], value));
}

// Axes with their ticks and names.
function drawAxes(frame, data) {
  var axes = svg("g", { class: "ib-axes" });
  var bottom = MARGIN.top + frame.inner.height;
  var right = MARGIN.left + frame.inner.width;
  axes.append(svg("path", { d: "M" + MARGIN.left + " " + MARGIN.top + "V" + bottom + "H" + right }));
  data.ticks[0].forEach(function (tick) {
    var left = frame.x(tick);
    axes.append(svg("path", { d: "M" + left + " " + bottom + "v4" }));
    axes.append(svg("text", { x: left, y: bottom + 16, "text-anchor": "middle" }, String(tick)));
  });
  data.ticks[1].forEach(function (tick) {
    var top = frame.y(tick);
    axes.append(svg("path", { d: "M" + MARGIN.left + " " + top + "h-4" }));
    axes.append(svg("text", { x: MARGIN.left - 7, y: top + 4, "text-anchor": "end" }, String(tick)));
  });
  axes.append(svg("text", { x: (MARGIN.left + right) / 2, y: frame.height - 4, "text-anchor": "middle" }, data.axes[0]));
  axes.append(svg("text", {
    x: 0, y: 0, "text-anchor": "middle",
    transform: "translate(12 " + (MARGIN.top + bottom) / 2 + ") rotate(-90)"
  }, data.axes[1]));
  return axes;
}

var markers = {};

markers.line = function (frame, mark, color) {
  var path = "";
  var pen = "M";
  for (var k = 0; k < mark.values.length; k += 2) {
    if (Number.isFinite(mark.values[k]) && Number.isFinite(mark.values[k + 1])) {
      path += pen + place(frame, mark.values, k);
      pen = "L";
    } else {
      pen = "M";
    }
  }
  return svg("path", {
    d: path, fill: "none", stroke: color, "stroke-width": 2.2 * weightOf(mark),
    "stroke-dasharray": mark.dashed ? "8 6" : "none"
  });
};

markers.dots = function (frame, mark, color) {
  var group = svg("g", { fill: color });
  for (var k = 0; k < mark.values.length; k += 2) {
    group.append(svg("circle", { cx: frame.x(mark.values[k]), cy: frame.y(mark.values[k + 1]), r: 3.2 }));
  }
  return group;
};

markers.arrows = function (frame, mark, color) {
  var path = "";
  for (var k = 0; k < mark.values.length; k += 4) {
    path += "M" + place(frame, mark.values, k) + "L" + place(frame, mark.values, k + 2) +
      head(frame, mark.values, k, 7 * weightOf(mark));
  }
  return svg("path", { d: path, fill: "none", stroke: color, "stroke-width": 1.8 * weightOf(mark) });
};

markers.field = function (frame, mark, color) {
  var canvas = element("canvas");
  var rgb = [1, 3, 5].map(function (at) {
    return parseInt(color.slice(at, at + 2), 16);
  });
  var most = Math.max.apply(null, mark.values) || 1;
  var height = mark.shape[0];
  var width = mark.shape[1];
  canvas.width = width;
  canvas.height = height;
  var context = canvas.getContext("2d");
  var pixels = context.createImageData(width, height);
  for (var k = 0; k < width * height; k++) {
    // The first row of values is the lowest, the first of pixels the highest.
    var at = 4 * ((height - 1 - Math.floor(k / width)) * width + k % width);
    pixels.data.set(rgb, at);
    pixels.data[at + 3] = 255 * 0.7 * mark.values[k] / most;
  }
  context.putImageData(pixels, 0, 0);
  return svg("image", {
    href: canvas.toDataURL(), x: MARGIN.left, y: MARGIN.top, width: frame.inner.width, height: frame.inner.height,
    preserveAspectRatio: "none"
  });
};

function place(frame, values, k) {
  return frame.x(values[k]).toFixed(2) + " " + frame.y(values[k + 1]).toFixed(2);
}

function weightOf(mark) {
  return mark.heavy ? HEAVY : 1;
}

// The two strokes of an arrow's head, at most as long as said.
function head(frame, values, k, longest) {
  var x = frame.x(values[k + 2]);
  var y = frame.y(values[k + 3]);
  var across = x - frame.x(values[k]);
  var down = y - frame.y(values[k + 1]);
  var length = Math.sqrt(across * across + down * down);
  if (length < 1) {
    return "";
  }
  var size = Math.min(longest, length / 2) / length;
  var back = [x - size * across, y - size * down];
  var side = [-0.6 * size * down, 0.6 * size * across];
  return "M" + (back[0] + side[0]) + " " + (back[1] + side[1]) + "L" + x + " " + y + "L" + (back[0] - side[0]) + " " +
    (back[1] - side[1]);
}

// The marks in one group, cut at the plane's edge, and a legend of those that have a label.
function drawMarks(box, legend, frame, marks, palette) {
  box.replaceChildren.apply(box, marks.map(function (mark) {
    var drawing = markers[mark.kind](frame, mark, palette[mark.color]);
    drawing.setAttribute("opacity", mark.faint ? FAINT : 1);
    return drawing;
  }));
  legend.replaceChildren.apply(legend, marks.filter(function (mark) {
    return mark.label;
  }).map(function (mark) {
    var entry = element("span", "ib-entry", mark.label);
    var key = element("span", "ib-key ib-key-" + mark.kind + (mark.dashed ? " ib-dashed" : ""));
    key.style.color = palette[mark.color];
    entry.prepend(key);
    return entry;
  }));
}
