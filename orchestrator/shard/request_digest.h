// What tells one request from another: hashes of what was asked for.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "anabranch/v1/payload.pb.h"
#include "orchestrator/shard/input.h"

namespace anabranch::shard {

// Hex; parts cannot run into each other.
std::string Digest(std::initializer_list<std::string_view> parts);

// The same for equal content, whether inline or a reference.
std::string PayloadDigest(const api::Payload& payload);

// Starts of one id are the same start when these are equal: flow, input and
// the signals that come with it.
std::string StartDigest(const StartRun& input);

// Starts with one request_id must agree on this: all of the above, and what
// is to happen when the run exists.
std::string StartRequestDigest(const StartRun& input);

}  // namespace anabranch::shard
