// SPDX-License-Identifier: Apache-2.0
// Points on logarithmic axes, as SVG. Lines of equal slope 1 in the background show what growing in
// proportion looks like.
#pragma once

#include <string>
#include <vector>

namespace drydock::bench {

class ScatterPlot {
 public:
  struct Point {
    double x, y;
  };
  struct Series {
    std::string name, colour;
    std::vector<Point> points;
  };

  /// `origin`: what was measured when, in small beside the legend.
  ScatterPlot(std::string title, std::string x_axis, std::string y_axis, std::string origin)
      : title_(std::move(title)),
        x_axis_(std::move(x_axis)),
        y_axis_(std::move(y_axis)),
        origin_(std::move(origin)) {}

  void add(Series series) { series_.push_back(std::move(series)); }
  /// Points with a coordinate below 1 stand at 1.
  std::string svg() const;

 private:
  std::string title_, x_axis_, y_axis_, origin_;
  std::vector<Series> series_;
};

}  // namespace drydock::bench
