#include <checksum/sha256.h>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "tests/storage/run_fixture.h"

namespace switchyard::storage {
namespace {

using RunWriterTest = RunFixture;

std::string name_of(int thread) {
  return std::string(1, static_cast<char>('a' + thread));
}

TEST_F(RunWriterTest, GivesBackWhatWasLogged) {
  RunWriter writer(dir_);
  SegmentStart start = segment_from(1);
  start.from_checkpoint = 0;
  writer.begin_segment(start);
  writer.meta("name", "first");
  log_step(writer, 1, 5.5);
  log_step(writer, 2, 5.25);
  Sha256 digest{};
  digest[0] = 7;
  writer.checkpoint(2, "checkpoints/step-2", 1234, digest);
  writer.checkpoint(3, "checkpoints/step-3", 1, digest);
  writer.checkpoint_deleted("checkpoints/step-2");
  writer.event(2, 2, "expert_dead", "expert 3 is dead", "layer moe");
  writer.event(std::nullopt, 1, "hello", "no step");
  writer.end_segment(2, "done", 0);
  ASSERT_TRUE(writer.flush());
  writer.close();
  EXPECT_FALSE(std::filesystem::exists(dir_ / "run.db-wal"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "run.db.lock"));

  RunReader reader(dir_);
  EXPECT_EQ(reader.schema_version(), 1);
  EXPECT_TRUE(reader.warning().empty());
  EXPECT_EQ(reader.meta().at("name"), "first");
  EXPECT_EQ(reader.meta().at("run_uuid").size(), 36U);
  ASSERT_EQ(reader.configs().size(), 1U);
  EXPECT_EQ(reader.configs()[0].toml, start.config_toml);
  EXPECT_EQ(reader.configs()[0].sha256, checksum::sha256(start.config_toml));
  const auto segments = reader.segments();
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0].host, "box");
  EXPECT_EQ(segments[0].from_checkpoint, 0);
  EXPECT_EQ(segments[0].exit_kind, "done");
  EXPECT_EQ(segments[0].end_step, 2);
  EXPECT_EQ(reader.metric_names().size(), 2U);
  EXPECT_EQ(reader.metric_names()[0].unit, "nats");
  const auto loss = reader.series("loss");
  ASSERT_EQ(loss.size(), 2U);
  EXPECT_EQ(loss[1].value, 5.25);
  EXPECT_EQ(reader.series("loss", 2, 2).size(), 1U);
  EXPECT_EQ(reader.latest_step(), 2);
  EXPECT_EQ(reader.step_times().at(0).tokens, 4096);
  const auto checkpoints = reader.checkpoints();
  ASSERT_EQ(checkpoints.size(), 2U);
  EXPECT_EQ(checkpoints[0].state, "deleted");
  EXPECT_EQ(checkpoints[1].state, "complete");
  EXPECT_EQ(checkpoints[1].manifest_sha256, digest);
  ASSERT_EQ(reader.events().size(), 2U);
  EXPECT_EQ(reader.events()[0].detail, "layer moe");
  EXPECT_EQ(reader.events(1).at(0).code, "hello");
  EXPECT_FALSE(reader.events(1).at(0).step.has_value());
}

TEST_F(RunWriterTest, HasTheSettingsThatOtherProgramsLookFor) {
  RunWriter(dir_).close();
  EXPECT_EQ(query(file(),
                  "PRAGMA application_id; PRAGMA user_version; PRAGMA page_size;"
                  "PRAGMA journal_mode; PRAGMA encoding"),
            "1398358852|1|4096|delete|UTF-8|");
}

TEST_F(RunWriterTest, KeepsNanAndInfinity) {
  const double infinity = std::numeric_limits<double>::infinity();
  RunWriter writer(dir_);
  writer.begin_segment(segment_from(1));
  writer.metric("loss", "nats", 1, std::nan(""));
  writer.metric("loss", "nats", 2, infinity);
  writer.metric("loss", "nats", 3, 1.0);
  writer.close();
  RunReader reader(dir_);
  const auto loss = reader.series("loss");
  ASSERT_EQ(loss.size(), 3U);
  EXPECT_TRUE(std::isnan(loss[0].value));
  EXPECT_EQ(loss[1].value, infinity);
  EXPECT_EQ(query(file(), "SELECT value, flag FROM metric WHERE step=1"), "NULL|1|");
  EXPECT_EQ(query(file(), "SELECT n, nan_n FROM metric_lod WHERE level=1"), "2|1|");
}

TEST_F(RunWriterTest, GivesBackEveryBitOfTheExperts) {
  RunWriter writer(dir_);
  writer.begin_segment(segment_from(1));
  for (const auto& [name, n] : {std::pair{"small", 16}, std::pair{"large", 5000}}) {
    writer.layer(name, n, 4);
    log_experts(writer, name, n, 3);
  }
  ASSERT_TRUE(writer.flush());
  RunReader reader(dir_);
  for (const auto& [name, n] : {std::pair{"small", 16}, std::pair{"large", 5000}}) {
    const auto experts = reader.experts(name, 3);
    ASSERT_TRUE(experts.has_value());
    EXPECT_EQ(experts->importance, random_values(n, 3));
    EXPECT_EQ(experts->load, random_values(n, 3 + 7777));
    EXPECT_FALSE(reader.experts(name, 4).has_value());
    EXPECT_EQ(reader.expert_steps(name), std::vector<int64_t>{3});
  }
  EXPECT_EQ(query(file(), "SELECT group_concat(enc) FROM expert_blob"), "0,1|");
  EXPECT_EQ(reader.layers().at(1).num_experts, 5000);
  EXPECT_THROW((void)reader.experts("absent", 3), Error);
  EXPECT_THROW((void)reader.series("absent"), Error);
  EXPECT_THROW((void)reader.heat_map("small", 0, 9, 0), Error);
}

TEST_F(RunWriterTest, RefusesExpertsThatWereNotDeclared) {
  RunWriter writer(dir_);
  const std::vector<float> two(2);
  EXPECT_THROW(writer.experts({"moe", 1, two, two, {}, 0}), Error);
  writer.layer("moe", 3, 1);
  EXPECT_THROW(writer.experts({"moe", 1, two, two, {}, 0}), Error);
  EXPECT_THROW(writer.layer("none", 0, 1), Error);
}

TEST_F(RunWriterTest, CountsTokensWhereThereAreSome) {
  RunWriter writer(dir_);
  writer.layer("moe", 4, 2);
  const std::vector<float> importance = {1, 1, 1, 1};
  const std::vector<int32_t> tokens = {6, 0, 2, 0};
  writer.experts({"moe", 1, importance, importance, tokens, 5});
  ASSERT_TRUE(writer.flush());
  const auto summaries = RunReader(dir_).expert_summaries("moe");
  ASSERT_EQ(summaries.size(), 1U);
  EXPECT_EQ(summaries[0].dead, 2);
  EXPECT_EQ(summaries[0].dropped, 5);
  EXPECT_EQ(summaries[0].top_expert, 0);
  EXPECT_DOUBLE_EQ(summaries[0].top_share, 0.75);
  EXPECT_DOUBLE_EQ(summaries[0].max_over_mean, 3.0);
  EXPECT_DOUBLE_EQ(summaries[0].cv2_load, 0.0);
}

TEST_F(RunWriterTest, AuditsAReplay) {
  const auto run = [&](int64_t from, int64_t to, int64_t wrong_step) {
    RunWriter writer(dir_);
    writer.begin_segment(segment_from(from));
    for (int64_t step = from; step <= to; ++step) {
      const double loss = 1.0 / static_cast<double>(step);
      log_step(writer, step, step == wrong_step ? std::nextafter(loss, 2.0) : loss);
      writer.metric("aux", "1", step, step == 9 ? std::nan("") : -0.0);
      writer.metric("speed", "1/s", step, static_cast<double>(from), MetricKind::kTiming);
    }
  };
  run(1, 10, 0);
  run(6, 12, 0);
  EXPECT_EQ(RunReader(dir_).meta().at("resume_mismatch_steps"), "0");
  EXPECT_EQ(RunReader(dir_).meta().at("resume_replayed_steps"), "5");
  run(11, 14, 12);
  RunReader reader(dir_);
  EXPECT_EQ(reader.meta().at("resume_mismatch_steps"), "1");
  EXPECT_EQ(reader.meta().at("resume_replayed_steps"), "7");
  EXPECT_TRUE(has_event(reader, "resume_mismatch"));
  EXPECT_FALSE(reader.series("loss").at(4).is_replayed);
  EXPECT_TRUE(reader.series("loss").at(5).is_replayed);
  EXPECT_FALSE(reader.series("loss").at(13).is_replayed);
  const auto segments = reader.segments();
  ASSERT_EQ(segments.size(), 3U);
  EXPECT_EQ(segments[0].exit_kind, "lost");
  EXPECT_EQ(segments[0].end_step, 10);
  EXPECT_FALSE(segments[2].exit_kind.has_value());
  EXPECT_EQ(reader.configs().size(), 1U);
}

TEST_F(RunWriterTest, AddsARevisionWhenTheConfigurationChanged) {
  for (const char* toml : {"a = 1\n", "a = 1\n", "a = 2\n"}) {
    RunWriter writer(dir_);
    SegmentStart start = segment_from(1);
    start.config_toml = toml;
    writer.begin_segment(start);
  }
  RunReader reader(dir_);
  EXPECT_EQ(reader.configs().size(), 2U);
  EXPECT_EQ(reader.segments().at(2).config_rev, 2);
}

TEST_F(RunWriterTest, ReducesALongSeries) {
  RunWriter writer(dir_);
  writer.begin_segment(segment_from(1));
  for (int64_t step = 1; step <= 5000; ++step) {
    writer.metric("x", "1", step, static_cast<double>(step % 100));
  }
  ASSERT_TRUE(writer.flush());
  RunReader reader(dir_);
  const auto few = reader.series_reduced("x", 0, 5000, 400);
  ASSERT_EQ(few.size(), 313U);  // 16 steps each
  double sum = 0.0;
  int64_t count = 0;
  for (const MetricBucket& bucket : few) {
    EXPECT_EQ(bucket.num_steps, 16);
    sum += bucket.mean * static_cast<double>(bucket.num_values);
    count += bucket.num_values;
  }
  EXPECT_EQ(count, 5000);
  EXPECT_NEAR(sum, 50 * 99.0 * 50, 1e-6);
  EXPECT_EQ(few[1].min, 16.0);
  EXPECT_EQ(few[1].max, 31.0);
  EXPECT_LE(reader.series_reduced("x", 0, 5000, 30).size(), 30U);
  EXPECT_EQ(reader.series_reduced("x", 1, 10, 30).size(), 10U);
}

TEST_F(RunWriterTest, DrawsHeatMapsThatAgreeWithTheBlobs) {
  constexpr int64_t kExperts = 700;
  RunWriter writer(dir_);
  writer.begin_segment(segment_from(1));
  writer.layer("moe", kExperts, 4);
  for (int64_t step = 0; step < 70; ++step) {
    log_experts(writer, "moe", kExperts, step);
    if (step == 33) {
      ASSERT_TRUE(writer.flush());
    }
  }
  ASSERT_TRUE(writer.flush());
  log_experts(writer, "moe", kExperts, 20);  // a replay must not count twice
  ASSERT_TRUE(writer.flush());
  RunReader reader(dir_);
  for (const int64_t max_columns : {100, 70, 18, 5, 1}) {
    const HeatMap map = reader.heat_map("moe", 0, 69, max_columns);
    ASSERT_LE(static_cast<int64_t>(map.columns.size()), max_columns);
    ASSERT_EQ(map.num_bins, 512);
    for (size_t c = 0; c < map.columns.size(); ++c) {
      std::vector<double> expected(512, 0.0);
      const HeatMapColumn& column = map.columns[c];
      const int64_t end = std::min<int64_t>(70, column.first_step + column.num_steps);
      for (int64_t step = column.first_step; step < end; ++step) {
        const auto blob = reader.experts("moe", step);
        for (int64_t bin = 0; bin < 512; ++bin) {
          for (int64_t i = bin * kExperts / 512; i < (bin + 1) * kExperts / 512; ++i) {
            expected[static_cast<size_t>(bin)] += blob->importance[static_cast<size_t>(i)];
          }
        }
      }
      EXPECT_EQ(column.num_logged, end - column.first_step);
      for (size_t bin = 0; bin < 512; ++bin) {
        const double mean = expected[bin] / static_cast<double>(column.num_logged);
        ASSERT_NEAR(map.importance[c * 512 + bin], mean, 1e-4 * (1.0 + mean));
      }
    }
  }
  EXPECT_EQ(reader.heat_map("moe", 0, 69, 70).columns.size(), 70U);
  EXPECT_EQ(reader.heat_map("moe", 8, 23, 4).columns.size(), 4U);
}

TEST_F(RunWriterTest, ThinsTheOldestBlobsAboveTheBudget) {
  WriterOptions options;
  options.blob_budget_bytes = 64 * 1024;  // 16 steps of 512 experts
  RunWriter writer(dir_, options);
  writer.begin_segment(segment_from(1));
  writer.layer("moe", 512, 2);
  for (int64_t step = 1; step <= 64; ++step) {
    log_experts(writer, "moe", 512, step);
    ASSERT_TRUE(step % 4 != 0 || writer.flush());
  }
  RunReader reader(dir_);
  const auto steps = reader.expert_steps("moe");
  EXPECT_LE(steps.size(), 20U);
  EXPECT_EQ(steps.front(), 1);
  EXPECT_EQ(steps.back(), 64);
  EXPECT_TRUE(has_event(reader, "expert_blobs_thinned"));
  EXPECT_EQ(reader.expert_summaries("moe").size(), 64U);
  EXPECT_EQ(reader.heat_map("moe", 1, 64, 64).columns.size(), 64U);
}

TEST_F(RunWriterTest, DropsOnlyBlobsWhenTheQueueIsFull) {
  WriterOptions options;
  options.queue_bytes = 300'000;
  options.commit_steps = 1'000'000;
  options.commit_interval = std::chrono::minutes(1);
  RunWriter writer(dir_, options);
  writer.layer("moe", 2048, 2);  // 16 KiB a step
  for (int64_t step = 1; step <= 100; ++step) {
    log_experts(writer, "moe", 2048, step);
    log_step(writer, step, 1.0);
  }
  EXPECT_GT(writer.status().queued_bytes, 300'000);
  ASSERT_TRUE(writer.flush());
  const WriterStatus status = writer.status();
  EXPECT_GT(status.dropped_blobs, 50);
  EXPECT_EQ(status.dropped_items, 0);
  EXPECT_EQ(status.queued_bytes, 0);
  RunReader reader(dir_);
  EXPECT_EQ(reader.series("loss").size(), 100U);
  EXPECT_EQ(reader.expert_summaries("moe").size(), 100U);
  EXPECT_EQ(reader.heat_map("moe", 1, 100, 100).columns.size(), 100U);
  EXPECT_EQ(static_cast<int64_t>(reader.expert_steps("moe").size()), 100 - status.dropped_blobs);
  EXPECT_TRUE(has_event(reader, "expert_blobs_dropped"));
}

TEST_F(RunWriterTest, CountsWhatNoMemoryIsLeftFor) {
  WriterOptions options;
  options.queue_bytes = 10'000;
  options.reserve_bytes = 10'000;
  options.commit_interval = std::chrono::minutes(1);
  RunWriter writer(dir_, options);
  for (int64_t step = 1; step <= 1000; ++step) {
    writer.metric("loss", "nats", step, 1.0);
  }
  const int64_t lost = writer.status().dropped_items;
  EXPECT_GT(lost, 0);
  ASSERT_TRUE(writer.flush());
  RunReader reader(dir_);
  EXPECT_EQ(static_cast<int64_t>(reader.series("loss").size()), 1000 - lost);
  EXPECT_TRUE(has_event(reader, "metrics_lost"));
}

TEST_F(RunWriterTest, SkipsWhatTheDatabaseRefuses) {
  std::vector<Notice> notices;
  WriterOptions options;
  options.on_notice = [&](const Notice& notice) { notices.push_back(notice); };
  RunWriter writer(dir_, options);
  ASSERT_TRUE(writer.flush());
  query(file(),
        "CREATE TRIGGER guard BEFORE INSERT ON metric WHEN new.step=2 "
        "BEGIN SELECT raise(ABORT, 'not this step'); END");
  for (int64_t step = 1; step <= 3; ++step) {
    log_step(writer, step, 1.0);
  }
  ASSERT_TRUE(writer.flush());
  writer.close();
  EXPECT_EQ(writer.status().rejected_items, 2);
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].code, "item_rejected");
  EXPECT_EQ(RunReader(dir_).series("loss").size(), 2U);
}

TEST_F(RunWriterTest, IsReadWhileItWrites) {
  RunWriter writer(dir_);
  writer.begin_segment(segment_from(1));
  writer.layer("moe", 64, 2);
  ASSERT_TRUE(writer.flush());
  std::atomic<bool> is_done{false};
  std::atomic<int64_t> seen{0};
  std::thread poll([&] {
    RunReader reader(dir_);
    int64_t step = 0;
    int64_t event = 0;
    while (!is_done || step < 500) {
      const LiveTail tail = reader.tail(step, event, 50);
      for (const StepTime& time : tail.steps) {
        ASSERT_EQ(time.step, step + 1);
        step = time.step;
      }
      if (!tail.steps.empty()) {
        ASSERT_EQ(tail.metrics.at("loss").size(), tail.steps.size());
      }
      ASSERT_EQ(tail.last_step, step);
      event = tail.last_event;
      seen = step;
      (void)reader.heat_map("moe", 0, 500, 100);
    }
  });
  for (int64_t step = 1; step <= 500; ++step) {
    log_experts(writer, "moe", 64, step);
    log_step(writer, step, 1.0);
    if (step % 20 == 0) {
      ASSERT_TRUE(writer.flush());
    }
  }
  ASSERT_TRUE(writer.flush());
  is_done = true;
  poll.join();
  EXPECT_EQ(seen, 500);
}

TEST_F(RunWriterTest, TakesCallsFromManyThreads) {
  RunWriter writer(dir_);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&writer, t] {
      for (int64_t step = 1; step <= 200; ++step) {
        writer.metric(name_of(t), "1", step, static_cast<double>(step));
        (void)writer.status();
      }
      EXPECT_TRUE(writer.flush());
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  RunReader reader(dir_);
  for (int t = 0; t < 4; ++t) {
    EXPECT_EQ(reader.series(name_of(t)).size(), 200U);
  }
}

TEST_F(RunWriterTest, RefusesASecondWriterUntilTheFirstIsGone) {
  {
    RunWriter first(dir_);
    try {
      RunWriter second(dir_);
      FAIL() << "two writers";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBusy);
    }
  }
  EXPECT_NO_THROW(RunWriter{dir_});
}

TEST_F(RunWriterTest, LosesWhatComesAfterTheEndAloud) {
  RunWriter writer(dir_);
  writer.close();
  writer.metric("loss", "nats", 1, 1.0);
  EXPECT_EQ(writer.status().dropped_items, 1);
  writer.close();
}

TEST_F(RunWriterTest, WorksWithoutAWriteAheadLog) {
  WriterOptions options;
  options.journal = JournalMode::kDelete;
  {
    RunWriter writer(dir_, options);
    writer.begin_segment(segment_from(1));
    log_step(writer, 1, 2.0);
    ASSERT_TRUE(writer.flush());
    EXPECT_FALSE(std::filesystem::exists(dir_ / "run.db-wal"));
  }
  EXPECT_EQ(RunReader(dir_).series("loss").at(0).value, 2.0);
}

}  // namespace
}  // namespace switchyard::storage
