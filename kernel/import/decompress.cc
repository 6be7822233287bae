// SPDX-License-Identifier: Apache-2.0
#include "kernel/import/decompress.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace drydock {
namespace {

using Bytes = std::vector<std::byte>;
using namespace std::string_view_literals;

constexpr size_t kStep = 4u << 20;

std::unexpected<Error> damaged(std::string_view format) {
  return malformed("damaged " + std::string(format) + " data");
}
std::unexpected<Error> too_large() { return malformed("compressed data is larger than 1 GB"); }

// Every stream decoder below fills a buffer that grows by steps; this is the buffer.
class Output {
 public:
  explicit Output(size_t limit) : limit_(limit) {}
  bool grow() {
    if (bytes_.size() >= limit_) return false;
    bytes_.resize(std::min(limit_, bytes_.size() + kStep));
    return true;
  }
  std::byte* at() { return bytes_.data() + used_; }
  size_t room() const { return bytes_.size() - used_; }
  void advance(size_t n) { used_ += n; }
  Bytes take() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  Bytes bytes_;
  size_t used_ = 0, limit_;
};

Result<Bytes> gunzip(std::span<const std::byte> data, size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return damaged("gzip");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(std::min<size_t>(data.size(), UINT32_MAX));
  Output out(limit);
  int status = Z_OK;
  bool room = true;
  while (status == Z_OK && (room = out.room() || out.grow())) {
    stream.next_out = reinterpret_cast<Bytef*>(out.at());
    stream.avail_out = static_cast<uInt>(out.room());
    size_t before = stream.avail_out;
    status = inflate(&stream, Z_NO_FLUSH);
    out.advance(before - stream.avail_out);
  }
  inflateEnd(&stream);
  if (!room) return too_large();
  if (status != Z_STREAM_END) return damaged("gzip");
  return out.take();
}

Result<Bytes> unxz(std::span<const std::byte> data, size_t limit) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, UINT64_MAX, 0) != LZMA_OK) return damaged("xz");
  stream.next_in = reinterpret_cast<const uint8_t*>(data.data());
  stream.avail_in = data.size();
  Output out(limit);
  lzma_ret status = LZMA_OK;
  bool room = true;
  while (status == LZMA_OK && (room = out.room() || out.grow())) {
    stream.next_out = reinterpret_cast<uint8_t*>(out.at());
    stream.avail_out = out.room();
    size_t before = stream.avail_out;
    status = lzma_code(&stream, LZMA_RUN);
    out.advance(before - stream.avail_out);
  }
  lzma_end(&stream);
  if (!room) return too_large();
  if (status != LZMA_STREAM_END) return damaged("xz");
  return out.take();
}

Result<Bytes> unzstd(std::span<const std::byte> data, size_t limit) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  // Kernel images are packed with --ultra -22, whose window is larger than the default bound.
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 30);
  ZSTD_inBuffer in{data.data(), data.size(), 0};
  Output out(limit);
  size_t status = 1;
  bool room = true;
  while (status != 0 && !ZSTD_isError(status) && (room = out.room() || out.grow())) {
    ZSTD_outBuffer to{out.at(), out.room(), 0};
    size_t before = in.pos;
    status = ZSTD_decompressStream(context, &to, &in);
    out.advance(to.pos);
    if (status != 0 && to.pos == 0 && in.pos == before) break;  // truncated
  }
  ZSTD_freeDCtx(context);
  if (!room) return too_large();
  if (status != 0) return damaged("zstd");
  return out.take();
}

// The legacy lz4 container: magic, then blocks of (u32 compressed size, data), 8 MB each at most.
Result<Bytes> unlz4(std::span<const std::byte> data, size_t limit) {
  constexpr size_t kBlock = 8u << 20;
  Bytes out;
  size_t at = 4;
  while (at + 4 <= data.size()) {
    uint32_t size;
    std::memcpy(&size, data.data() + at, 4);
    // What follows the last block (an image's own size, little-endian) is no block of this stream.
    if (size == 0 || size > LZ4_COMPRESSBOUND(kBlock) || size > data.size() - at - 4) break;
    size_t used = out.size();
    if (used + kBlock > limit) return too_large();
    out.resize(used + kBlock);
    int got = LZ4_decompress_safe(reinterpret_cast<const char*>(data.data() + at + 4),
                                  reinterpret_cast<char*>(out.data() + used),
                                  static_cast<int>(size), static_cast<int>(kBlock));
    if (got < 0) return damaged("lz4");
    out.resize(used + static_cast<size_t>(got));
    at += 4 + size;
  }
  if (out.empty()) return damaged("lz4");
  return out;
}

struct Format {
  std::string_view name, magic;
  Result<Bytes> (*decode)(std::span<const std::byte>, size_t);
};
constexpr Format kFormats[] = {
    {"gzip", "\x1f\x8b"sv, gunzip},
    {"xz",
     "\xfd"
     "7zXZ\0"sv,
     unxz},
    {"zstd", "\x28\xb5\x2f\xfd"sv, unzstd},
    {"lz4", "\x02\x21\x4c\x18"sv, unlz4},
};

const Format* format_of(std::span<const std::byte> data) {
  std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  for (const Format& format : kFormats)
    if (text.starts_with(format.magic)) return &format;
  return nullptr;
}

}  // namespace

Result<Bytes> decompress(std::span<const std::byte> data, size_t limit) {
  const Format* format = format_of(data);
  if (!format) return unsupported("compression (known: gzip, xz, zstd, lz4)");
  return format->decode(data, limit);
}

Result<Bytes> decompress_if_needed(std::span<const std::byte> data, size_t limit) {
  if (!format_of(data)) return Bytes(data.begin(), data.end());
  return decompress(data, limit);
}

}  // namespace drydock
