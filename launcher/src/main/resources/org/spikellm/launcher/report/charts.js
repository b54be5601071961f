/* Draws each chart of the page from the JSON beside it, with Apache ECharts: a function for each kind makes the
   options. Colours are those of the style sheet; they follow the theme, and on paper are the light ones. */
"use strict";
(function () {
  var PRINTED = 690;  // px: between the margins of A4 and of letter paper alike
  var NARROW = 520;
  var MANY_CELLS = 5000;  // from here on a map is pixels, not elements
  var root = document.documentElement;

  /* Words */

  /* As many digits as the data have. */
  function four(value) {
    if (value === 0) { return "0"; }
    var size = Math.abs(value);
    return size < 1e-4 || size >= 1e6 ? value.toExponential(3).replace(/\.?0*e/, "e") : String(Number(value.toPrecision(4)));
  }
  function bytes(value) {
    var units = ["B", "kB", "MB", "GB", "TB"], unit = 0;
    for (; value >= 1000 && unit < units.length - 1; unit++) { value /= 1000; }
    return four(value) + " " + units[unit];
  }
  var WORDS = {
    number: four,
    whole: function (value) { return value.toLocaleString("en"); },
    percent: function (value) { return four(100 * value) + " %"; },
    bytes: bytes,
    "×": function (value) { return four(value) + " × the median"; },
    levels: function (value) { return value + (value === 1 ? " level" : " levels"); },
    salient: function (value) { return value === 1 ? "salient" : four(100 * value) + " % salient"; }
  };
  function worded(unit) {
    return function (value) { return typeof value === "number" ? WORDS[unit](value) : "–"; };
  }
  var encode = echarts.format.encodeHTML;

  /* Looks */

  function colours() {
    var style = getComputedStyle(root);
    function of(name) { return style.getPropertyValue("--" + name).trim(); }
    function ramp(letter, from, to) {
      var list = [];
      for (var i = from; i <= to; i++) { list.push(of(letter + i)); }
      return list;
    }
    return { ink: of("ink"), soft: of("soft"), line: of("line"), card: of("card"), float: of("float"), spiking: of("spiking"),
      font: getComputedStyle(document.body).fontFamily, l: ramp("l", 0, 8), s: [of("l0")].concat(ramp("s", 1, 4)) };
  }
  /* From blue over violet to orange, of a lightness that is seen on white and on black. */
  function hue(i, of) {
    return "hsl(" + Math.round(215 + (of < 2 ? 0 : 175 * i / (of - 1))) + ", 68%, 52%)";
  }
  function plain(data, look, width) {
    return {
      animation: false,
      textStyle: { fontFamily: look.font, color: look.soft },
      aria: { enabled: true, label: { description: data.title } },
      grid: { left: 10, right: 26, top: 60, bottom: 4, containLabel: true },
      legend: { type: look.paper ? "plain" : "scroll", top: 0, left: 0, width: width - (look.paper ? 10 : 90),
        itemWidth: 14, itemHeight: 12, itemGap: 12, textStyle: { color: look.soft }, inactiveColor: look.line,
        pageTextStyle: { color: look.soft }, pageIconColor: look.soft, pageIconInactiveColor: look.line, pageIconSize: 10 },
      tooltip: { confine: true, backgroundColor: look.card, borderColor: look.line,
        textStyle: { color: look.ink, fontSize: 12 } },
      toolbox: { show: !look.paper, top: 0, right: 0, itemSize: 13, iconStyle: { borderColor: look.soft },
        feature: { saveAsImage: { title: "Save as image", name: data.title, backgroundColor: look.card, pixelRatio: 2 } } }
    };
  }
  /* On paper a legend shows all it has, line by line: room for those after the first. */
  function room(look, lines) { return look.paper ? 22 * (Math.ceil(lines) - 1) : 0; }
  function axis(spec, look, vertical) {
    return {
      type: spec.logarithmic ? "log" : "value", logBase: spec.logarithmic || 10, scale: true, name: spec.name,
      nameLocation: vertical ? "end" : "middle", nameGap: vertical ? 12 : 26,
      nameTextStyle: { color: look.soft, align: vertical ? "left" : "center" },
      axisLabel: { color: look.soft, formatter: worded(spec.unit), hideOverlap: true },
      minInterval: spec.unit === "whole" ? 1 : 0,
      axisLine: { lineStyle: { color: look.line } }, splitLine: { show: vertical, lineStyle: { color: look.line } }
    };
  }
  function zoom(look, axes) {
    return [{ type: "slider", xAxisIndex: axes, show: !look.paper, bottom: 6, height: 16, showDataShadow: false,
        brushSelect: false, borderColor: look.line, textStyle: { color: look.soft }, showDetail: false },
      { type: "inside", xAxisIndex: axes, zoomOnMouseWheel: "shift", moveOnMouseMove: "shift", preventDefaultMouseMove: false }];
  }
  function tip(lines) { return lines.filter(Boolean).map(encode).join("<br>"); }

  /* Kinds of charts */

  var KINDS = {

    /* Lines over numbers; with "mark", a broken line upright. */
    lines: function (data, look, width) {
      var option = plain(data, look, width), count = data.series.length;
      var points = Math.max.apply(null, data.series.map(function (s) { return s.points.length; }));
      option.xAxis = axis(data.x, look, false);
      option.yAxis = axis(data.y, look, true);
      var more = room(look, count / 8);
      option.grid.top += more;
      option.xAxis.min = "dataMin";
      option.xAxis.max = "dataMax";
      option.grid.bottom = 34;
      option.tooltip.formatter = function (p) {
        return tip([p.seriesName, data.x.name + ": " + worded(data.x.unit)(p.value[0]),
          data.y.name.replace(", logarithmic", "") + ": " + worded(data.y.unit)(p.value[1])]);
      };
      if (points > 20) {
        option.dataZoom = zoom(look, [0]);
        option.grid.bottom += look.paper ? 0 : 24;
      }
      option.series = data.series.map(function (s, i) {
        return { type: "line", name: s.name, data: s.points, color: hue(i, count), symbol: "circle",
          symbolSize: points > 20 ? 3 : 5, showSymbol: true, lineStyle: { width: 1.5 },
          emphasis: { focus: "series", lineStyle: { width: 3 } } };
      });
      if (data.mark) {
        option.series[0].markLine = { silent: true, symbol: "none", label: { show: false },
          lineStyle: { color: look.soft, type: "dashed" }, data: [{ xAxis: data.mark }] };
      }
      return { option: option, height: look.paper ? 250 + more : 340 };
    },

    /* Upright bars side by side. */
    columns: function (data, look, width) {
      var option = plain(data, look, width), several = data.series.length > 1;
      var slanted = !several && width < NARROW;
      option.xAxis = { type: "category", data: data.categories, name: slanted ? "" : data.x.name,
        nameLocation: "middle", nameGap: 26, nameTextStyle: { color: look.soft }, axisTick: { show: false },
        axisLine: { lineStyle: { color: look.line } },
        axisLabel: { color: look.soft, interval: data.categories.length > 12 ? "auto" : 0, rotate: slanted ? 45 : 0 } };
      option.yAxis = axis(data.y, look, true);
      option.yAxis.scale = false;
      option.grid.bottom = slanted ? 4 : 34;
      option.grid.top = several ? 60 : 44;
      option.legend.show = several;
      option.tooltip.trigger = "axis";
      option.tooltip.axisPointer = { type: "shadow" };
      option.tooltip.valueFormatter = worded(data.y.unit);
      option.series = data.series.map(function (s, i) {
        return { type: "bar", name: s.name, data: s.values, color: several && i === 0 ? look.float : look.spiking, barGap: "10%",
          barMaxWidth: 60, label: { show: Boolean(data.labels), position: "top", color: look.soft, formatter: function (p) {
            return worded(data.y.unit)(p.value);
          } } };
      });
      return { option: option, height: look.paper ? 220 : 280 };
    },

    /* Lying bars, each of parts. */
    parts: function (data, look, width) {
      var option = plain(data, look, width), count = data.series.length;
      var more = room(look, count / 5);
      option.grid.top = 52 + more;
      option.grid.bottom = 12;
      option.xAxis = axis({ name: "", unit: "bytes" }, look, false);
      option.xAxis.splitNumber = width < NARROW ? 3 : 5;
      option.xAxis.scale = false;
      option.yAxis = { type: "category", inverse: true, data: data.categories, axisLabel: { color: look.soft, fontSize: 13 },
        axisLine: { lineStyle: { color: look.line } }, axisTick: { show: false } };
      option.tooltip.formatter = function (p) {
        return tip([p.name + ": " + p.seriesName, bytes(p.value) + " (" + WORDS.whole(p.value) + " bytes)"]);
      };
      option.series = data.series.map(function (s, i) {
        return { type: "bar", stack: "all", name: s.name, data: s.values, color: hue(i, count), barWidth: "60%",
          itemStyle: { borderColor: look.card, borderWidth: 0.5 }, emphasis: { focus: "series" } };
      });
      return { option: option, height: 210 + more };
    },

    /* Points with a name, and a line through the best of them. */
    cloud: function (data, look, width) {
      var option = plain(data, look, width);
      option.xAxis = axis(data.x, look, false);
      option.yAxis = axis(data.y, look, true);
      option.grid.bottom = 34;
      option.yAxis.boundaryGap = ["4%", "8%"];
      option.toolbox.feature.dataZoom = { title: { zoom: "Zoom", back: "Back" },
        brushStyle: { color: look.line, opacity: 0.5 } };
      option.legend.data = ["on the line", "others"];
      option.tooltip.formatter = function (p) {
        return p.data.number && tip([p.data.number + ": " + p.name, data.x.name.replace(", logarithmic", "") + ": "
          + worded(data.x.unit)(p.value[0]), data.y.name.replace(", logarithmic", "") + ": " + worded(data.y.unit)(p.value[1])]);
      };
      option.series = [true, false].map(function (best) {
        return { type: "scatter", name: best ? "on the line" : "others", color: best ? look.spiking : look.float,
          symbolSize: best ? 11 : 9, z: best ? 4 : 3, labelLayout: { hideOverlap: true },
          label: { show: true, position: "top", color: look.soft, formatter: function (p) { return String(p.data.number); } },
          data: data.points.map(function (p, i) { return { name: p.name, value: p.at, number: i + 1, best: p.best }; })
            .filter(function (p) { return p.best === best; }) };
      });
      option.series.push({ type: "line", name: "best", data: data.line, silent: true, showSymbol: false, z: 2,
        lineStyle: { color: look.spiking, width: 1.5 }, tooltip: { show: false } });
      return { option: option, height: look.paper ? 330 : 420 };
    },

    /* Rows of coloured cells, in one part or in several below each other that are zoomed as one. What is 0 is left out: the
       ground has its colour. */
    map: function (data, look, width) {
      var option = plain(data, look, width), top = 66, left = 46, right = 10;
      var labels = columns(data), last = data.parts.length - 1;
      var all = data.parts.map(function (part, i) { return i; });
      var logs = data.scales.map(function (scale) { return scale.logarithmic; });
      option.grid = [];
      option.xAxis = [];
      option.yAxis = [];
      option.legend.show = false;
      option.series = data.parts.map(function (part, i) {
        var height = Math.max(24, Math.min(420, part.rows.length * (part.rows.length > 20 ? 5 : 13)));
        option.grid.push({ left: left, right: right, top: top, height: height, show: true, backgroundColor: look.l[0],
          borderWidth: 0 });
        option.xAxis.push({ type: "category", gridIndex: i, data: labels, axisTick: { show: false }, axisLine: { show: false },
          axisLabel: { show: i === last, color: look.soft, hideOverlap: true, rotate: data.words ? 60 : 0,
            interval: data.words ? function (column) { return column % data.steps === 0; } : "auto",
            formatter: function (label) { return label.length > 12 ? label.slice(0, 11) + "…" : label; } },
          name: i === last && !data.words ? data.column : "", nameLocation: "middle", nameGap: 24,
          nameTextStyle: { color: look.soft }, axisPointer: { show: false } });
        option.yAxis.push({ type: "category", gridIndex: i, inverse: true, data: part.rows, axisTick: { show: false },
          axisLine: { show: false }, axisLabel: { color: look.soft, fontSize: 11 },
          name: data.row + (last > 0 ? ": " + part.name : ""), nameLocation: "start", nameGap: 6,
          nameTextStyle: { color: look.soft, align: "left", padding: [0, 0, 0, -left + 4] } });
        top += height + 30;
        return { type: "heatmap", name: part.name, xAxisIndex: i, yAxisIndex: i, data: cells(part, logs[part.scale]),
          progressive: 0, emphasis: { itemStyle: { borderColor: look.ink, borderWidth: 1 } } };
      });
      option.visualMap = data.scales.map(function (scale, k) {
        function words(value) {
          return k > 0 ? "" : scale.percent ? WORDS.percent(value) : four(scale.logarithmic ? Math.pow(10, value) : value);
        }
        return { type: "continuous", show: k === 0, dimension: 2, calculable: !look.paper, orient: "horizontal", left: 0, top: 0,
          itemWidth: 12, itemHeight: Math.min(180, width - 240), precision: 3, textStyle: { color: look.soft }, formatter: words,
          text: look.paper ? [words(log(scale.high)), words(log(scale.low))] : null,
          min: log(scale.low), max: log(scale.high), inRange: { color: look[scale.colours] },
          seriesIndex: all.filter(function (i) { return data.parts[i].scale === k; }) };
        function log(value) { return scale.logarithmic ? Math.log10(value) : value; }
      });
      option.tooltip.formatter = function (p) {
        var part = data.parts[p.seriesIndex], unit = worded(part.unit);
        return tip([data.row + " " + part.rows[p.value[1]] + ", " + place(data, p.value[0]),
          part.name + ": " + unit(p.value[3])]);
      };
      if (data.columns > 64) {
        option.dataZoom = zoom(look, all);
      }
      var below = data.words ? 64 : 42;
      return { option: option, height: top - 30 + below + (option.dataZoom && !look.paper ? 28 : 0),
        canvas: option.series.reduce(function (sum, s) { return sum + s.data.length; }, 0) > MANY_CELLS };
    }
  };

  /* Maps: [column, row, value as it is coloured, value] of every cell that is not 0. */
  function cells(part, logarithmic) {
    var list = [];
    part.values.forEach(function (row, y) {
      row.forEach(function (value, x) {
        if (value) { list.push([x, y, logarithmic ? Math.log10(Math.max(value, 1e-9)) : value, value]); }
      });
    });
    return list;
  }
  function first(data, column) { return Math.ceil(column * data.channels / data.columns); }
  function columns(data) {
    var labels = [];
    for (var i = 0; i < data.columns; i++) {
      labels.push(data.words ? data.words[Math.floor(i / data.steps)] : String(first(data, i)));
    }
    return labels;
  }
  function place(data, column) {
    if (data.words) {
      return "token " + (Math.floor(column / data.steps) + 1) + " (" + data.words[Math.floor(column / data.steps)] + ")"
        + (data.steps > 1 ? ", step " + (column % data.steps + 1) : "");
    }
    var from = first(data, column), to = first(data, column + 1) - 1;
    return from === to ? "channel " + from : "channels " + from + "–" + to;
  }

  /* The page's charts */

  var charts = Array.from(document.querySelectorAll(".chart")).map(function (place) {
    return { place: place, data: JSON.parse(place.nextElementSibling.textContent) };
  });
  /* Finds out how a chart looks, and makes room for it. */
  function plan(chart, look) {
    chart.width = look.paper ? PRINTED : chart.place.parentElement.clientWidth;
    chart.made = KINDS[chart.data.kind](chart.data, look, chart.width);
    chart.place.style.height = chart.made.height + "px";
  }
  function draw(chart) {
    var size = { width: chart.width, height: chart.made.height };
    if (chart.drawn) {
      chart.drawn.resize(size);
    } else {
      chart.drawn = echarts.init(chart.place, null, { renderer: chart.made.canvas ? "canvas" : "svg", locale: "EN",
        width: size.width, height: size.height, devicePixelRatio: Math.max(2, window.devicePixelRatio) });
    }
    chart.drawn.setOption(chart.made.option);
  }
  /* On a screen a page with hundreds of thousands of cells lets its reader go on meanwhile; paper does not wait. */
  var next = 0;
  function drawAll(paper) {
    clearTimeout(next);
    root.classList.toggle("paper", paper);
    var look = colours(), at = 0;
    look.paper = paper;
    charts.forEach(function (chart) { plan(chart, look); });
    (function some() {
      var until = performance.now() + 300;  // ms
      do {
        draw(charts[at++]);
      } while (at < charts.length && (paper || performance.now() < until));
      if (at < charts.length) { next = setTimeout(some, 0); }
    })();
  }
  function drawAgain() { drawAll(root.classList.contains("paper")); }  // on paper, too, the theme changes: it is light there
  drawAgain();
  var waiting = 0;
  window.addEventListener("resize", function () {
    clearTimeout(waiting);
    waiting = setTimeout(drawAgain, 150);
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAgain);
  window.addEventListener("beforeprint", function () { drawAll(true); });
  window.addEventListener("afterprint", function () { drawAll(false); });
})();
