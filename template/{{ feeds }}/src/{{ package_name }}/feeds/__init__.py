"""Two APIs asked at one time, their answers cached; how long each request took, logged later."""
