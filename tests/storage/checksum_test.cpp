#include <checksum/crc32c.h>
#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace switchyard::checksum {
namespace {

std::string text_of(const Sha256Digest& digest) {
  return hex(digest);
}

TEST(Crc32c, GivesThePublishedValues) {
  std::string rising(32, '\0');
  std::iota(rising.begin(), rising.end(), '\0');
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c(rising), 0x46dd794eU);
  EXPECT_EQ(crc32c(std::string(rising.rbegin(), rising.rend())), 0x113fdb5cU);
}

TEST(Crc32c, IsTheSameByTableByInstructionAndInPieces) {
  std::string text(1000, '\0');
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>(i * 37 + i / 7);
  }
  for (size_t length = 0; length < 40; ++length) {
    for (size_t start = 0; start < 9; ++start) {
      const std::string_view piece = std::string_view(text).substr(start, length);
      EXPECT_EQ(crc32c(piece), ~crc32c_by_table(0xffffffffU, piece.data(), piece.size()));
    }
  }
  Crc32c in_pieces;
  in_pieces.update(text.data(), 13);
  in_pieces.update(text.data() + 13, 0);
  in_pieces.update(text.data() + 13, text.size() - 13);
  EXPECT_EQ(in_pieces.value(), crc32c(text));
}

TEST(Sha256, GivesThePublishedValues) {
  EXPECT_EQ(text_of(sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(text_of(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(text_of(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(text_of(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotCareHowTheBytesCome) {
  const std::string text(300, 'x');
  for (const size_t cut : {size_t{1}, size_t{55}, size_t{56}, size_t{63}, size_t{64}, size_t{65}}) {
    Sha256 hash;
    hash.update(text.data(), cut);
    hash.update(text.data() + cut, text.size() - cut);
    EXPECT_EQ(hash.finish(), sha256(text)) << cut;
  }
}

TEST(Hex, WritesTheHighDigitFirst) {
  EXPECT_EQ(hex(0x00c0ffeeU), "00c0ffee");
  EXPECT_EQ(hex(std::vector<uint8_t>{0x0f, 0xa0}), "0fa0");
}

}  // namespace
}  // namespace switchyard::checksum
