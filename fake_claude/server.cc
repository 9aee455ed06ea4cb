#include "fake_claude/server.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "fake_claude/catalogue.h"
#include "fake_claude/request.h"

namespace anabranch::fake_claude {
namespace {

using httplib::Request;
using httplib::Response;

// What the library reads at all; the API's own limit answers below it.
constexpr size_t kBodyBytesMax = 64u << 20;

constexpr int kModelsPerPage = 20;
constexpr int kModelsPerPageMax = 1000;

std::string NewLife() {
  SystemRandom random;
  return RandomHexId(random);
}

void SendJson(const Json& json, Response& response) {
  response.set_content(ToJsonText(json), "application/json");
}

ApiError NotFound(const std::string& message) {
  ApiError error;
  error.status = 404;
  error.message = message;
  return error;
}

// The place of a model in the list, or its end.
size_t PlaceOf(const std::string& id) {
  const auto models = AllModels();
  const auto it = std::find_if(models.begin(), models.end(),
                               [&](const Model& m) { return m.id == id; });
  return static_cast<size_t>(it - models.begin());
}

}  // namespace

Server::Server(ServerOptions options, Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      behaviour_(options_.pace),
      ledger_(clock),
      life_(NewLife()),
      messages_({clock_, behaviour_, ledger_, options_.api_key,
                 [this] { return stopping_.load(); },
                 [this] { return NextRequestId(); }}),
      http_(options_.http) {
  AddRoutes();
  AddModelRoutes();
  AddOwnRoutes();
}

absl::Status Server::Start() {
  if (!options_.ledger_file.empty()) {
    RETURN_IF_ERROR(ledger_.AlsoTo(options_.ledger_file));
  }
  return http_.Start();
}

void Server::Stop() {
  stopping_ = true;
  http_.Stop();
}

std::string Server::Url() const {
  const std::string& host = options_.http.host;
  const bool v6 = host.find(':') != std::string::npos;
  return absl::StrCat("http://", v6 ? "[" + host + "]" : host, ":", Port());
}

void Server::AddRoutes() {
  http_.set_payload_max_length(kBodyBytesMax);
  http_.set_keep_alive_timeout(60);
  http_.set_keep_alive_max_count(1'000'000);
  http_.Post("/v1/messages",
             [this](const Request& request, Response& response) {
               messages_.Messages(request, response);
             });
  http_.Post("/v1/messages/count_tokens",
             [this](const Request& request, Response& response) {
               messages_.CountTokens(request, response);
             });
  const auto nothing = [](const Request&, Response& response) {
    response.status = 200;
  };
  http_.Get("/", nothing);
  http_.Get("/api/hello", nothing);
  // Whatever no route answers, in the API's own words.
  http_.set_error_handler([this](const Request& request, Response& response) {
    if (!response.body.empty()) return;
    const std::string id = NextRequestId();
    SetCommonHeaders(id, response);
    ApiError error = NotFound("Not found: " + request.path);
    if (response.status != 404) {
      error.status = response.status;
      error.message = response.status == 413
                          ? "Request exceeds the maximum size"
                          : "The request is malformed";
    }
    SendError(error, id, response);
  });
  http_.set_exception_handler(
      [this](const Request&, Response& response, std::exception_ptr thrown) {
        std::string what = "Internal server error";
        try {
          std::rethrow_exception(std::move(thrown));
        } catch (const std::exception& e) {
          what = e.what();
        } catch (...) {
          what += " of unknown kind";
        }
        ApiError error;
        error.status = 500;
        error.message = what;
        SendError(error, NextRequestId(), response);
      });
}

void Server::AddModelRoutes() {
  http_.Get("/v1/models", [this](const Request& request, Response& response) {
    if (Admit(request, response)) ListModels(request, response);
  });
  http_.Get("/v1/models/([^/]+)",
            [this](const Request& request, Response& response) {
              if (!Admit(request, response)) return;
              const std::string id = request.matches[1];
              const Model* model = FindModel(id);
              if (model == nullptr) {
                SendError(NotFound("model: " + id),
                          response.get_header_value("request-id"), response);
                return;
              }
              SendJson(ModelEntry(*model), response);
            });
}

void Server::ListModels(const Request& request, Response& response) {
  int limit = kModelsPerPage;
  const std::string wanted = request.get_param_value("limit");
  if (!wanted.empty() && (!absl::SimpleAtoi(wanted, &limit) || limit < 1 ||
                          limit > kModelsPerPageMax)) {
    SendError(Invalid("limit: Input should be a valid integer from 1 to 1000"),
              response.get_header_value("request-id"), response);
    return;
  }
  const auto models = AllModels();
  size_t begin = 0;
  size_t end = models.size();
  if (request.has_param("after_id")) {
    begin = std::min(PlaceOf(request.get_param_value("after_id")) + 1, end);
  }
  if (request.has_param("before_id")) {
    end = std::max(PlaceOf(request.get_param_value("before_id")), begin);
    const size_t size = static_cast<size_t>(limit);
    if (end - begin > size) begin = end - size;
  }
  const size_t page_end = std::min(end, begin + static_cast<size_t>(limit));
  Json data = Json::array();
  for (size_t i = begin; i < page_end; ++i) {
    data.push_back(ModelEntry(models[i]));
  }
  const bool has_more =
      request.has_param("before_id") ? begin > 0 : page_end < models.size();
  Json page;
  page["data"] = data;
  page["has_more"] = has_more;
  page["first_id"] = data.empty() ? Json(nullptr) : data.front()["id"];
  page["last_id"] = data.empty() ? Json(nullptr) : data.back()["id"];
  SendJson(page, response);
}

void Server::AddOwnRoutes() {
  http_.Get("/healthz", [](const Request&, Response& response) {
    response.set_content("ok\n", "text/plain");
  });
  http_.Get("/ledger", [this](const Request& request, Response& response) {
    const std::string summary = request.get_param_value("summary");
    if (!summary.empty() && summary != "0") {
      SendJson(ledger_.Summary(), response);
      return;
    }
    size_t after = 0;
    const std::string wanted = request.get_param_value("after");
    if (!wanted.empty() && !absl::SimpleAtoi(wanted, &after)) {
      response.status = 400;
      SendJson({{"error", "after: must be the number of a call"}}, response);
      return;
    }
    SendJson(ledger_.Calls(after), response);
  });
  http_.Get("/control", [this](const Request&, Response& response) {
    SendJson(behaviour_.Settings(), response);
  });
  http_.Post("/control", [this](const Request& request, Response& response) {
    Json settings;
    std::string reason;
    absl::Status status;
    if (!ParseJson(request.body, &settings, &reason)) {
      status = absl::InvalidArgumentError(
          absl::StrCat("the body is not valid JSON: ", reason));
    } else {
      status = behaviour_.Control(settings);
    }
    if (!status.ok()) {
      response.status = 400;
      SendJson({{"error", std::string(status.message())}}, response);
      return;
    }
    SendJson(behaviour_.Settings(), response);
  });
}

bool Server::Admit(const Request& request, Response& response) {
  const std::string id = NextRequestId();
  SetCommonHeaders(id, response);
  const RequestHeaders headers = HeadersOf(request);
  Version version{};
  Refusal refusal = CheckAuth(headers, options_.api_key);
  if (!refusal) refusal = CheckVersion(headers, &version);
  if (!refusal) return true;
  SendError(*refusal, id, response);
  return false;
}

std::string Server::NextRequestId() {
  HashStream hash(absl::StrCat(life_, " ", ++requests_));
  return "req_01" + IdText(hash, 22);
}

}  // namespace anabranch::fake_claude
