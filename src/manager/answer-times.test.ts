import { expect, test } from 'vitest';
import { AnswerTimes } from './answer-times.ts';

test('the times of the last 64 answers are known, and no older ones', () => {
  const answers = new AnswerTimes();
  for (let sequence = 1; sequence <= 100; sequence += 1) answers.note(sequence, sequence * 10);
  expect(answers.sentMs(36)).toBeNull();
  expect(answers.sentMs(37)).toBe(370);
  expect(answers.sentMs(100)).toBe(1000);
  expect(answers.sentMs(101)).toBeNull();
});

test('of two answers to one heartbeat the later one counts', () => {
  const answers = new AnswerTimes();
  answers.note(7, 10);
  answers.note(8, 20);
  answers.note(7, 30);
  expect(answers.sentMs(7)).toBe(30);
  expect(answers.sentMs(8)).toBe(20);
});

test('before the first answer there is none', () => {
  expect(new AnswerTimes().sentMs(0)).toBeNull();
});
