// SPDX-License-Identifier: Apache-2.0
#include "bench/scatter_plot.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace drydock::bench {
namespace {

constexpr double kWidth = 760, kHeight = 520, kLeft = 70, kRight = 20, kTop = 50, kBottom = 55;

double decades(double value) { return std::log10(std::max(value, 1.0)); }

/// Decades to pixels.
struct Scale {
  int x_decades = 1, y_decades = 1;
  double x(double d) const { return kLeft + d / x_decades * (kWidth - kLeft - kRight); }
  double y(double d) const {
    return kHeight - kBottom - d / y_decades * (kHeight - kTop - kBottom);
  }
};

std::string label(int decade) {
  constexpr const char* kNames[] = {"1", "10", "100", "1k", "10k", "100k", "1M", "10M"};
  return decade < 8 ? kNames[decade] : fmt::format("1e{}", decade);
}

std::string text(double x, double y, const char* anchor, const std::string& words) {
  return fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='{}'>{}</text>\n", x, y, anchor,
                     words);
}

std::string line(double x1, double y1, double x2, double y2, const char* colour) {
  return fmt::format("<line x1='{:.1f}' y1='{:.1f}' x2='{:.1f}' y2='{:.1f}' stroke='{}'/>\n", x1,
                     y1, x2, y2, colour);
}

std::string grid(const Scale& s) {
  std::string svg;
  for (int d = 0; d <= s.x_decades; ++d) {
    svg += line(s.x(d), s.y(0), s.x(d), s.y(s.y_decades), "#ddd");
    svg += text(s.x(d), s.y(0) + 18, "middle", label(d));
  }
  for (int d = 0; d <= s.y_decades; ++d) {
    svg += line(s.x(0), s.y(d), s.x(s.x_decades), s.y(d), "#ddd");
    svg += text(s.x(0) - 8, s.y(d) + 4, "end", label(d));
  }
  // y = c * x, one for each decade of c.
  for (int c = -s.x_decades; c < s.y_decades; ++c) {
    const double from = std::max(0, -c), to = std::min(s.x_decades, s.y_decades - c);
    if (from < to) svg += line(s.x(from), s.y(from + c), s.x(to), s.y(to + c), "#e8efe0");
  }
  return svg;
}

/// One path for all points, each once where several fall on the same pixel, so that the file stays
/// small.
std::string dots(const Scale& scale, const ScatterPlot::Series& series) {
  std::set<std::pair<int, int>> pixels;
  for (const ScatterPlot::Point& p : series.points)
    pixels.emplace(std::lround(scale.x(decades(p.x))), std::lround(scale.y(decades(p.y))));
  std::string path;
  for (const auto& [x, y] : pixels) path += fmt::format("M{} {}h0", x, y);
  return fmt::format(
      "<path d='{}' stroke='{}' stroke-opacity='0.5' stroke-width='4' stroke-linecap='round'/>\n",
      path, series.colour);
}

}  // namespace

std::string ScatterPlot::svg() const {
  Scale scale;
  for (const Series& s : series_)
    for (const Point& p : s.points) {
      scale.x_decades = std::max(scale.x_decades, static_cast<int>(std::ceil(decades(p.x))));
      scale.y_decades = std::max(scale.y_decades, static_cast<int>(std::ceil(decades(p.y))));
    }
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "font-family='sans-serif' font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n",
      kWidth, kHeight);
  svg += grid(scale);
  for (const Series& s : series_) svg += dots(scale, s);
  svg += text(kWidth / 2, 22, "middle", title_) + text(kWidth - kRight, 42, "end", origin_) +
         text(kWidth / 2, kHeight - 12, "middle", x_axis_);
  svg +=
      fmt::format("<text transform='translate(18 {}) rotate(-90)' text-anchor='middle'>{}</text>\n",
                  kHeight / 2, y_axis_);
  double at = kLeft + 10;
  for (const Series& s : series_) {
    svg += fmt::format("<circle cx='{:.1f}' cy='38' r='4' fill='{}'/>\n", at, s.colour);
    svg += text(at + 8, 42, "start", s.name);
    at += 160;
  }
  return svg + "</svg>\n";
}

}  // namespace drydock::bench
