import { render } from 'preact';
import { App } from './app.js';
import { connect } from './connection.js';
import 'uplot/dist/uPlot.min.css';
import './style.css';

const place = document.getElementById('app');
if (place === null) throw new Error('the page has no place for the app');
const draw = () => render(<App source={source} redraw={draw} />, place);
const source = connect(draw);
draw();
