#include <cstring>

#include "tests/storage/run_fixture.h"

namespace switchyard::storage {
namespace {

/// A connection as the sqlite3 shell has it after `.load libswitchyard_sqlite`.
class Extension : public RunFixture {
 protected:
  void SetUp() override {
    RunFixture::SetUp();
    RunWriter writer(dir_);
    writer.layer("small", 8, 2);
    writer.layer("large", 5000, 2);
    const std::vector<float> eight = {0, 1, 2, 3, 4, 5, 6, 7};
    writer.experts({"small", 1, eight, eight, {}, 0});
    const std::vector<float> ones(5000, 1.0F);
    writer.experts({"large", 1, ones, ones, {}, 0});
    writer.close();
    ASSERT_EQ(sqlite3_open(file().c_str(), &db_), SQLITE_OK);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
    char* error = nullptr;
    const int result = sqlite3_load_extension(db_, SWITCHYARD_SQLITE_MODULE, nullptr, &error);
    ASSERT_EQ(result, SQLITE_OK) << (error ? error : "");
  }
  void TearDown() override {
    sqlite3_close(db_);
    RunFixture::TearDown();
  }

  /// The rows as text, or the error.
  std::string run(const std::string& sql) {
    std::string rows;
    char* error = nullptr;
    sqlite3_exec(
        db_, sql.c_str(),
        [](void* to, int columns, char** values, char**) {
          for (int i = 0; i < columns; ++i) {
            *static_cast<std::string*>(to) += std::string(values[i] ? values[i] : "NULL") + "|";
          }
          return 0;
        },
        &rows, &error);
    const std::string result = error ? std::string("error: ") + error : rows;
    sqlite3_free(error);
    return result;
  }

  sqlite3* db_ = nullptr;
};

TEST_F(Extension, GivesOneRowForEachExpert) {
  EXPECT_EQ(run("SELECT e.expert, e.value FROM expert_blob b, sy_blob_each(b.load, b.enc) e "
                "WHERE b.n=8 AND e.value>5 ORDER BY e.expert"),
            "6|6.0|7|7.0|");
  EXPECT_EQ(run("SELECT l.name, count(*), sum(e.value) FROM expert_blob b "
                "JOIN layer l ON l.id=b.layer, sy_blob_each(b.importance, b.enc) e "
                "GROUP BY l.name"),
            "large|5000|5000.0|small|8|28.0|");
  EXPECT_EQ(run("SELECT count(*) FROM sy_blob_each(x'0000803F')"), "1|");
  EXPECT_EQ(run("SELECT count(*) FROM sy_blob_each(NULL, 0)"), "0|");
}

TEST_F(Extension, SumsIntoBins) {
  EXPECT_EQ(run("SELECT e.value FROM expert_blob b, sy_blob_each(sy_bin(b.load, 2, b.enc)) e "
                "WHERE b.n=8"),
            "6.0|22.0|");
  EXPECT_EQ(run("SELECT length(sy_bin(load, 512, enc)) FROM expert_blob WHERE n=5000"), "2048|");
}

TEST_F(Extension, SaysWhatIsWrong) {
  EXPECT_NE(run("SELECT count(*) FROM sy_blob_each(x'0102', 0)").find("error"), std::string::npos);
  EXPECT_NE(run("SELECT count(*) FROM sy_blob_each(x'0102', 1)").find("error"), std::string::npos);
  EXPECT_NE(run("SELECT sy_bin(x'0000803F', 0)").find("error"), std::string::npos);
  EXPECT_NE(run("SELECT sy_bin(x'0000803F', 2)").find("error"), std::string::npos);
}

}  // namespace
}  // namespace switchyard::storage
