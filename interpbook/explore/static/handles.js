// Points of a plane that the reader drags, by pointer or with the arrow keys.

var REACH = 22; // pixels around a handle that answer to a finger

// `moved(done)` is called while a handle moves, with true where it comes to rest.
function makeHandle(description, limits, moved) {
  var handle = svg("g", { class: "ib-handle", tabindex: 0, role: "slider", "aria-label": description.title });
  var name = svg("text", { x: 13, y: -11 }, description.title);
  var frame = null;
  var held = null;
  var sideways = description.along === "x";
  handle.append(svg("circle", { r: REACH, class: "ib-reach" }), svg("circle", { r: 8, class: "ib-ring" }), name);
  handle.point = description.at.slice();

  handle.reset = function () {
    handle.point = description.at.slice();
  };
  // Shows the handle at a point, which is where it was dragged to or, on a curve, where the scene puts it.
  handle.show = function (next, point) {
    var value = point.map(function (coordinate) {
      return fixed(coordinate, 2);
    });
    frame = next;
    handle.setAttribute("transform", "translate(" + frame.x(point[0]) + " " + frame.y(point[1]) + ")");
    handle.setAttribute("aria-valuemin", limits[0][0]);
    handle.setAttribute("aria-valuemax", limits[0][1]);
    handle.setAttribute("aria-valuenow", value[0]);
    handle.setAttribute("aria-valuetext", sideways ? value[0] : value[0] + ", " + value[1]);
    // Near the right edge the name stands on the other side.
    name.setAttribute("text-anchor", frame.x(point[0]) > frame.width - 110 ? "end" : "start");
    name.setAttribute("x", frame.x(point[0]) > frame.width - 110 ? -13 : 13);
  };

  function go(point, done) {
    handle.point = sideways ? [point[0], description.at[1]] : point;
    moved(done);
  }

  handle.addEventListener("pointerdown", function (event) {
    held = event.pointerId;
    handle.setPointerCapture(held);
    handle.focus({ preventScroll: true });
    event.preventDefault();
  });
  handle.addEventListener("pointermove", function (event) {
    if (event.pointerId === held) {
      var box = handle.ownerSVGElement.getBoundingClientRect();
      // On a slide the figure is larger or smaller than it was laid out.
      var scale = frame.width / box.width;
      go(frame.point((event.clientX - box.left) * scale, (event.clientY - box.top) * scale), false);
    }
  });
  ["pointerup", "pointercancel"].forEach(function (kind) {
    handle.addEventListener(kind, function (event) {
      if (event.pointerId === held) {
        held = null;
        moved(true);
      }
    });
  });
  handle.addEventListener("keydown", function (event) {
    var direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!direction) {
      return;
    }
    event.preventDefault();
    var step = event.shiftKey ? 0.1 : 0.02;
    go(handle.point.map(function (value, axis) {
      return clamp(value + direction[axis] * step * (limits[axis][1] - limits[axis][0]), limits[axis]);
    }), true);
  });
  return handle;
}
