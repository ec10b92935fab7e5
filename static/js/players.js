// The original and the result of a video, in step: what is done to one is done to the other.

const DRIFT_SECONDS = 0.15; // more than a frame or two is seen

export class Players {
  /** `videos`: the original, where it was kept, and the result, which sets the time. */
  constructor(videos) {
    this.videos = videos;
    this.moved = new Set(); // those whose next move comes from here, not from the visitor
    for (const video of videos) this.listenTo(video);
    this.leader = videos.at(-1);
    this.leader.addEventListener("timeupdate", () => {
      if (!this.leader.seeking) this.bringOthers(this.leader);
    });
  }

  listenTo(video) {
    video.addEventListener("play", () => this.others(video).forEach(start));
    video.addEventListener("pause", () => this.others(video).forEach((other) => other.pause()));
    video.addEventListener("ratechange", () => this.others(video).forEach((other) => { other.playbackRate = video.playbackRate; }));
    video.addEventListener("seeking", () => {
      if (!this.moved.delete(video)) this.bringOthers(video);
    });
    video.addEventListener("error", () => {
      video.hidden = true;
      video.parentElement.querySelector(".player-note").hidden = false;
    });
    if (video.error) video.dispatchEvent(new Event("error"));
  }

  goTo(second) {
    this.leader.currentTime = second;
    this.leader.scrollIntoView({ block: "nearest" });
  }

  bringOthers(video) {
    for (const other of this.others(video)) {
      if (other.readyState === 0 || Math.abs(other.currentTime - video.currentTime) <= DRIFT_SECONDS) continue;
      this.moved.add(other);
      other.currentTime = video.currentTime;
    }
  }

  others(video) {
    return this.videos.filter((other) => other !== video && !other.error);
  }
}

function start(video) {
  // A browser that will not start it by itself leaves it to the visitor.
  if (video.paused) video.play().catch(() => {});
}
