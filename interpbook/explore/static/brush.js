// The surface on which a reader draws: by mouse, pen or finger, or by the arrow keys and the space bar. It changes `x`
// in place and calls `marked()` when it does, and `touched(done)` then and when the cursor has moved; `done` is true when
// a stroke has ended.

// A round brush with a soft edge of one pixel, at (row, column) in pixels; paints (or erases) all channels alike.
function stamp(x, shape, row, column, radius, erase) {
  var size = shape[1] * shape[2];
  var reach = radius + 0.5;
  var bottom = Math.min(shape[1] - 1, Math.floor(row + reach));
  var right = Math.min(shape[2] - 1, Math.floor(column + reach));
  for (var i = Math.max(0, Math.ceil(row - reach)); i <= bottom; i++) {
    for (var j = Math.max(0, Math.ceil(column - reach)); j <= right; j++) {
      var ink = Math.min(1, Math.max(0, reach - Math.hypot(i - row, j - column)));
      for (var k = i * shape[2] + j; ink > 0 && k < x.length; k += size) {
        x[k] = erase ? Math.min(x[k], 1 - ink) : Math.max(x[k], ink);
      }
    }
  }
}

// The image moved so that its ink balances in the middle, as far as none of it leaves the image. Networks that learned
// from centred digits, as those of MNIST are, expect them there.
function centered(x, shape) {
  var ink = inkOf(x, shape);
  var down = shiftOf(ink.rows);
  var right = shiftOf(ink.columns);
  return x.map(function (_, k) {
    var row = Math.floor(k / shape[2]) % shape[1] - down;
    var column = k % shape[2] - right;
    return row < 0 || column < 0 || row >= shape[1] || column >= shape[2] ? 0 : x[k - down * shape[2] - right];
  });
}

// How much ink each row and each column has.
function inkOf(x, shape) {
  var ink = { rows: new Float64Array(shape[1]), columns: new Float64Array(shape[2]) };
  x.forEach(function (value, k) {
    ink.rows[Math.floor(k / shape[2]) % shape[1]] += value;
    ink.columns[k % shape[2]] += value;
  });
  return ink;
}

function shiftOf(ink) {
  var places = Array.from(ink.keys()).filter(function (k) {
    return ink[k] > 0;
  });
  var total = places.reduce(function (before, k) {
    return before + ink[k];
  }, 0);
  var moment = places.reduce(function (before, k) {
    return before + k * ink[k];
  }, 0);
  var wanted = total > 0 ? Math.floor((ink.length - 1) / 2 - moment / total + 0.5) : 0;
  return total > 0 ? Math.min(ink.length - 1 - places[places.length - 1], Math.max(-places[0], wanted)) : 0;
}

function brushRadius(shape) {
  return 1.2 * Math.max(shape[1], shape[2]) / 28;
}

function makeBrush(shape, touched, marked) {
  var surface = element("div", "ib-surface");
  var ring = element("span", "ib-cursor");
  var heard = element("span", "ib-hidden");
  var brush = { surface: surface, x: null, erase: false, cursor: null, place: place };
  var last = null;

  surface.tabIndex = 0;
  surface.setAttribute("role", "application");
  surface.setAttribute("aria-label", "Drawing surface. Arrow keys move the cursor, the space bar draws, " +
    "with Shift the arrows draw.");
  heard.setAttribute("role", "status");
  surface.append(ring, heard);

  function place(row, column) {
    brush.cursor = {
      row: Math.min(shape[1] - 1, Math.max(0, Math.round(row))),
      column: Math.min(shape[2] - 1, Math.max(0, Math.round(column)))
    };
    ring.style.top = 100 * (brush.cursor.row + 0.5) / shape[1] + "%";
    ring.style.left = 100 * (brush.cursor.column + 0.5) / shape[2] + "%";
  }

  // Whoever does not see the cursor hears where the arrow keys have brought it, and what is there.
  function tellPlace() {
    var size = shape[1] * shape[2];
    var total = 0;
    for (var k = brush.cursor.row * shape[2] + brush.cursor.column; k < brush.x.length; k += size) {
      total += brush.x[k];
    }
    heard.textContent = "Row " + (brush.cursor.row + 1) + " of " + shape[1] + ", column " + (brush.cursor.column + 1) +
      " of " + shape[2] + ", " + Math.round(100 * total / shape[0]) + " % ink.";
  }

  function where(event) {
    var box = surface.getBoundingClientRect();
    return {
      row: (event.clientY - box.top) / box.height * shape[1] - 0.5,
      column: (event.clientX - box.left) / box.width * shape[2] - 0.5
    };
  }

  function ink(row, column) {
    stamp(brush.x, shape, row, column, brushRadius(shape), brush.erase);
    marked();
  }

  // Fast movements arrive as points far apart; the stroke goes through all of them.
  function strokeTo(point) {
    var from = last || point;
    var steps = Math.max(1, Math.ceil(2 * Math.hypot(point.row - from.row, point.column - from.column)));
    for (var k = 1; k <= steps; k++) {
      ink(from.row + (point.row - from.row) * k / steps, from.column + (point.column - from.column) * k / steps);
    }
    last = point;
  }

  surface.addEventListener("pointerdown", function (event) {
    // A second finger does not draw a line from the first.
    if (event.button !== 0 || !event.isPrimary) {
      return;
    }
    surface.setPointerCapture(event.pointerId);
    last = null;
    moveTo(event, true);
  });
  surface.addEventListener("pointermove", function (event) {
    if (event.isPrimary) {
      moveTo(event, surface.hasPointerCapture(event.pointerId));
    }
  });

  function moveTo(event, draws) {
    var point = where(event);
    place(point.row, point.column);
    if (draws) {
      strokeTo(point);
    }
    touched(false);
  }

  ["pointerup", "pointercancel"].forEach(function (ending) {
    surface.addEventListener(ending, function () {
      touched(true);
    });
  });

  var ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  surface.addEventListener("keydown", function (event) {
    var way = ways[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey || !(way || event.key === " ")) {
      return;
    }
    event.preventDefault();
    if (way) {
      place(brush.cursor.row + way[0], brush.cursor.column + way[1]);
    }
    if (!way || event.shiftKey) {
      ink(brush.cursor.row, brush.cursor.column);
    }
    tellPlace();
    touched(true);
  });
  return brush;
}
