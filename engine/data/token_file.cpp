#include "data/token_file.h"

#include <checksum/sha256.h>
#include <cstring>

#include "core/error.h"

namespace switchyard::data {

using core::ErrorCode;

TokenFile::TokenFile(const std::filesystem::path& path, uint32_t element_size)
    : path_(path), file_(path) {
  const std::span<const std::byte> bytes = file_.bytes();
  if (bytes.size() < sizeof(header_)) {
    core::fail(ErrorCode::kDamaged,
               "{}: is truncated: a token file has at least {} bytes, this one has {}; prepare the "
               "data again",
               path.string(), sizeof(header_), bytes.size());
  }
  std::memcpy(&header_, bytes.data(), sizeof(header_));
  if (header_.magic != TokenFileHeader::kMagic || header_.reserved != 0 ||
      (header_.version == TokenFileHeader::kVersion && header_.element_size != element_size)) {
    core::fail(ErrorCode::kDamaged,
               "{}: is not a token file, or its header is damaged; prepare the data again",
               path.string());
  }
  if (header_.version != TokenFileHeader::kVersion) {
    core::fail(ErrorCode::kUnsupported, "{}: has format version {}, this program reads {}",
               path.string(), header_.version, TokenFileHeader::kVersion);
  }
  const uint64_t payload = bytes.size() - sizeof(header_);
  if (payload % element_size != 0 || header_.count != payload / element_size) {
    core::fail(ErrorCode::kDamaged,
               "{}: is truncated or damaged: its header says {} elements of {} bytes, but {} bytes "
               "follow; prepare the data again",
               path.string(), header_.count, element_size, payload);
  }
}

void TokenFile::verify() const {
  checksum::Sha256 sha256;
  sha256.update(file_.bytes().subspan(sizeof(header_)));
  if (sha256.finish() != header_.sha256) {
    core::fail(ErrorCode::kDamaged,
               "{}: is damaged: its elements do not have the checksum that its header says; "
               "prepare the data again",
               path_.string());
  }
}

}  // namespace switchyard::data
