// Pictures of a live figure. A picture is plain data; `kind` says how it is drawn:
//   image      values of shape [c, h, w] in [0, 1]
//   map        values of shape [h, w]: orange above zero, blue below, zero clear, the strongest value in full colour
//   bars       a number >= 0 for each label, its bar full from 1 on; the bar at `chosen` stands out, and a line through
//              all of them is at `mark`, or at 0
//   waterfall  a signed number for each label, drawn as steps from zero to their sum
//   intervals  a signed number for each label, with `errors` on either side
//   chart      values of shape [2, n]: dots and a line over n places, in a frame that `ticks` gives

var SVG = "http://www.w3.org/2000/svg";

var POSITIVE = [213, 94, 0];
var NEGATIVE = [0, 128, 200];
var OPACITY = 0.6; // as in interpbook.output.colors
var drawn = {};

drawn.image = function (box, picture) {
  var channels = picture.shape[0];
  var size = picture.shape[1] * picture.shape[2];
  paintPixels(box, picture.shape[1], picture.shape[2], function (pixel, rgba, at) {
    for (var c = 0; c < 3; c++) {
      rgba[at + c] = 255 * picture.values[(channels === 3 ? c * size : 0) + pixel];
    }
    rgba[at + 3] = 255;
  });
};

drawn.map = function (box, picture) {
  var limit = picture.values.reduce(function (most, value) {
    return Math.max(most, Math.abs(value));
  }, 0) || 1;
  paintPixels(box, picture.shape[0], picture.shape[1], function (pixel, rgba, at) {
    var value = picture.values[pixel] / limit;
    rgba.set(value < 0 ? NEGATIVE : POSITIVE, at);
    rgba[at + 3] = 255 * Math.pow(Math.abs(value), OPACITY);
  });
};

drawn.bars = function (box, picture) {
  rowsOf(box, picture.labels).forEach(function (row, k) {
    var value = picture.values[k];
    row.place(0, Math.min(1, value), k === picture.chosen ? "ib-chosen" : "ib-other");
    row.zero.style.left = 100 * (picture.mark || 0) + "%";
    row.number.textContent = formats.percent(value);
  });
};

drawn.waterfall = function (box, picture) {
  var ends = [];
  var total = picture.values.reduce(function (sum, value) {
    ends.push(sum + value);
    return sum + value;
  }, 0);
  var low = Math.min.apply(null, ends.concat(0));
  var width = Math.max.apply(null, ends.concat(0)) - low || 1;
  rowsOf(box, picture.labels.concat(picture.total)).forEach(function (row, k) {
    var last = k === picture.values.length;
    var value = last ? total : picture.values[k];
    var from = last ? 0 : ends[k] - value;
    row.place((Math.min(from, from + value) - low) / width, Math.abs(value) / width,
      last ? "ib-other" : value < 0 ? "ib-negative" : "ib-positive");
    row.zero.style.left = 100 * -low / width + "%";
    row.number.textContent = formats["z.2f"](value);
  });
};

drawn.intervals = function (box, picture) {
  var ends = picture.values.reduce(function (all, value, k) {
    return all.concat(value - picture.errors[k], value + picture.errors[k]);
  }, [0]);
  var low = Math.min.apply(null, ends);
  var width = Math.max.apply(null, ends) - low || 1;
  rowsOf(box, picture.labels).forEach(function (row, k) {
    var value = picture.values[k];
    var error = picture.errors[k];
    row.place((value - error - low) / width, 2 * error / width,
      "ib-whisker " + (value < 0 ? "ib-negative" : "ib-positive"));
    row.dot.style.left = 100 * (value - low) / width + "%";
    row.dot.className = "ib-dot " + (value < 0 ? "ib-negative" : "ib-positive");
    row.zero.style.left = 100 * -low / width + "%";
    row.number.textContent = formats["z.2f"](value) + " ± " + formats["z.2f"](error);
  });
};

drawn.chart = function (box, picture) {
  var count = picture.labels.length;
  var size = { width: Math.max(170, Math.min(300, box.clientWidth)), left: 30, right: 10, top: 8, bottom: 36 };
  var low = picture.ticks[0];
  var span = picture.ticks[picture.ticks.length - 1] - low;
  size.height = Math.round(0.75 * size.width);
  var at = {
    x: function (k) {
      return size.left + (size.width - size.left - size.right) * (count > 1 ? k / (count - 1) : 0.5);
    },
    y: function (value) {
      return size.height - size.bottom - (size.height - size.top - size.bottom) * (value - low) / span;
    }
  };
  var chart = svg("svg", { viewBox: "0 0 " + size.width + " " + size.height, class: "ib-chart" });
  chart.append.apply(chart, chartAxes(picture, at, size));
  chart.append(svg("path", { class: "ib-chart-line", d: "M" + picture.labels.map(function (_, k) {
    return at.x(k).toFixed(2) + " " + at.y(picture.values[count + k]).toFixed(2);
  }).join("L") }));
  picture.labels.forEach(function (_, k) {
    var chosen = k === picture.chosen;
    chart.append(svg("circle", {
      class: chosen ? "ib-chart-chosen" : "ib-chart-dot", cx: at.x(k), cy: at.y(picture.values[k]), r: chosen ? 5 : 3
    }));
  });
  var names = element("div", "ib-chart-names");
  names.append(chartName("dot", picture.names[1]), chartName("line", picture.names[2]));
  box.replaceChildren(chart, names);
};

function chartAxes(picture, at, size) {
  var every = Math.ceil(picture.labels.length / 10);
  var marks = picture.ticks.map(function (tick) {
    return svg("path", { class: "ib-chart-tick", d: "M" + size.left + " " + at.y(tick) + "H" + (size.width - size.right) });
  });
  picture.ticks.forEach(function (tick) {
    marks.push(svg("text", { x: size.left - 5, y: at.y(tick) + 4, "text-anchor": "end" }, String(tick)));
  });
  picture.labels.forEach(function (label, k) {
    if (k % every === 0) {
      marks.push(svg("text", { x: at.x(k), y: size.height - size.bottom + 15, "text-anchor": "middle" }, label));
    }
  });
  marks.push(svg("text", {
    x: (size.left + size.width - size.right) / 2, y: size.height - 4, "text-anchor": "middle"
  }, picture.names[0]));
  return marks;
}

function chartName(kind, text) {
  var name = element("span", "", text);
  name.prepend(element("span", "ib-chart-key-" + kind));
  return name;
}

function svg(tag, attributes, text) {
  var made = document.createElementNS(SVG, tag);
  Object.keys(attributes).forEach(function (name) {
    made.setAttribute(name, attributes[name]);
  });
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

// One pixel of the canvas for each value; the style sheet makes them large, what is taller than wide less wide.
function paintPixels(box, height, width, color) {
  var canvas = box.querySelector("canvas") || box.appendChild(element("canvas"));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
    box.style.setProperty("--ib-aspect", Math.min(1, width / height));
  }
  var context = canvas.getContext("2d");
  var pixels = context.createImageData(width, height);
  for (var k = 0; k < width * height; k++) {
    color(k, pixels.data, 4 * k);
  }
  context.putImageData(pixels, 0, 0);
}

// A row for each label: its name, a track with a bar, a number. Rows are made once and then moved.
function rowsOf(box, labels) {
  var names = JSON.stringify(labels);
  if (box.names !== names) {
    box.names = names;
    box.textContent = "";
    box.rows = labels.map(function (label) {
      var line = element("div", "ib-row");
      var row = { number: element("span", "ib-number"), zero: element("span", "ib-zero"), dot: element("span") };
      var track = element("span", "ib-track");
      var bar = element("span");
      row.place = function (left, width, look) {
        bar.className = "ib-bar " + look;
        bar.style.left = 100 * left + "%";
        bar.style.width = 100 * width + "%";
      };
      track.append(bar, row.zero, row.dot);
      line.append(element("span", "ib-name", label), track, row.number);
      box.append(line);
      return row;
    });
  }
  return box.rows;
}
