// SPDX-License-Identifier: Apache-2.0
#include "referee/case_requests.h"

#include <filesystem>

#include "base/file.h"
#include "emulator/cases/json_reader.h"

namespace drydock::referee {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kSecondsEach = 60;
constexpr int kGraceMs = 25'000;

CaseRequest read_case(const std::string& path, const std::vector<std::string>& folders) {
  CaseRequest request{.name = path};
  auto text = read_text_file(path);
  auto json = text ? cases::parse_json(*text, path) : std::unexpected(text.error());
  if (!json) {
    request.skipped = json.error().message;
    return request;
  }
  request.content = std::move(*json);
  auto object = request.content.is_object() ? request.content.value("object", Json()) : Json();
  if (!object.is_string()) {
    request.skipped = path + ": a case has a field `object`";
    return request;
  }
  fs::path file = object.get<std::string>();
  std::vector<fs::path> places = {fs::path(path).parent_path()};
  places.insert(places.end(), folders.begin(), folders.end());
  std::error_code unknown;
  for (const fs::path& place : places)
    if (fs::exists(place / file, unknown)) {
      request.object = fs::absolute(place / file, unknown);
      return request;
    }
  request.skipped =
      "object " + file.string() + " is neither beside the case nor in the folder of objects";
  return request;
}

}  // namespace

std::vector<CaseRequest> read_case_requests(const std::vector<std::string>& cases,
                                            const std::vector<std::string>& object_folders) {
  std::vector<CaseRequest> requests;
  for (const std::string& path : cases) requests.push_back(read_case(path, object_folders));
  return requests;
}

Status perform_all(SessionSource& source, const std::vector<CaseRequest>& requests,
                   const std::function<void(CaseObservation)>& take) {
  for (const CaseRequest& request : requests) {
    CaseObservation seen{.name = request.name, .skipped = request.skipped, .steps = "[]"};
    if (request.skipped.empty()) {
      auto session = source.session();
      if (!session) return std::unexpected(session.error());
      auto answer = (*session)->request(
          "case", {{"case", request.content}, {"object", request.there}, {"seconds", kSecondsEach}},
          "observed", static_cast<int>(kSecondsEach) * 1000 + kGraceMs);
      if (!answer) {
        std::string words = source.last_words();
        seen.skipped = answer.error().message + (words.empty() ? "" : ": " + words);
        source.drop();
      } else {
        seen.skipped = answer->value("skipped", "");
        seen.steps = answer->value("steps", Json::array()).dump();
      }
    }
    take(std::move(seen));
  }
  return {};
}

}  // namespace drydock::referee
