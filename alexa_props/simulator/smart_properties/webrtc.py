"""Create, read, change and delete communication service providers (WebRTC)."""
